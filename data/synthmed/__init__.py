"""SynthMed: synthetic pairs as a folder that can be published, and the checks of such a folder."""
