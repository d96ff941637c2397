"""Frozen types that flow between the layers. Layer: model, pure, standard library only."""
