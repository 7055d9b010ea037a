"""Figure 6, of a second run or of a run that is of no retinas itself."""
from types import SimpleNamespace

from unet_eval.experiments import second_data_set, single_gan


def test_a_run_of_cells_is_its_own_second_data_set(run, few, tmp_path):
    cells = SimpleNamespace(second=None, modality="cells", training=run.training, stores=run.stores)
    second_data_set.figures(tmp_path, few, cells)
    assert (tmp_path / "figure_6.png").exists()
    section = second_data_set.section(few, tmp_path)
    assert "Both stages trained on 3 pairs of DRIVE, with nothing else" in section.blocks[0].text
    assert "Nothing is measured" not in section.blocks[0].text and "measures the arms on them" in section.blocks[0].text
    few["arms"]["real"]["n_train_pairs"] = 2  # the U-Net may hold out others than Stage-I
    few["origin"]["photos"] = "messidor"
    text = second_data_set.section(few, tmp_path).blocks[0].text
    assert "Stage-I trained on 3 pairs of DRIVE, Stage-II with photographs of MESSIDOR" in text


def test_nothing_is_measured_on_a_second_run(results, figures):
    assert "Nothing is measured on them here" in second_data_set.section(results, figures).blocks[0].text


def test_a_run_of_retinas_without_a_second_run_has_none(run, few, tmp_path):
    second_data_set.figures(tmp_path, few, SimpleNamespace(second=None, modality="fundus"))
    assert second_data_set.section(few, tmp_path) is None and not list(tmp_path.iterdir())
    assert second_data_set.measure(SimpleNamespace(second=None)) == {"second": None}


def test_one_photograph_of_the_single_gan_is_enough(run, results, tmp_path):
    single_gan.figures(tmp_path, results, SimpleNamespace(single=run.single[:1], rows=run.rows))
    assert (tmp_path / "figure_7.png").exists()
