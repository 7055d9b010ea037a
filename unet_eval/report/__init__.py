"""Charts, tables and pages of results; what each experiment shows stands in its own file, in unet_eval/experiments."""
