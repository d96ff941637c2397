"""Work on foreign bundles in processes that can be ended. Layer: adapters of the Confinement and RuleJudge ports."""
