"""From tables and plan to every estimate of the trial; the arm is joined here."""
