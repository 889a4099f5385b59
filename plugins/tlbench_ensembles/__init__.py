"""Several models: soups, ensembles, distillation, joined backbones."""
