"""The steps of a new job."""

from __future__ import annotations

from pages.ui.wizard import Wizard, WizardStep

WIZARD = Wizard(
    "New job",
    "job",
    (
        WizardStep(
            "dataset",
            "Dataset",
            "Select Dataset",
            "Choose labeled examples for supervised learning",
            "Continue to the model",
        ),
        WizardStep("model", "Model", "Configure Model", "Select base model and fine-tuning method", "Review job"),
        WizardStep("review", "Review", "Review & Launch", "Review your choices and the time and memory they need", ""),
    ),
    has_first_draft=True,
)
IDS = WIZARD.ids
