"""The privacy audit of a run's synthetic pairs. Its exit status is not 0 where it refuses them.

python -m unet_eval.audit --store=checkpoints/quick/synthetic.h5 --run=checkpoints/quick --pairs=drive:data/raw/DRIVE \
    --out=reports/quick/audit
"""
from training.cli import run
from unet_eval.audit.audit import main
from unet_eval.config import AuditConfig

if __name__ == "__main__":
    run(main, AuditConfig)
