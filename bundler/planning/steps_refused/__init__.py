"""Why an upgrade is not made in the steps that were asked for. Layer: planning, pure."""
