"""What a secret and what personal data look like. Pure functions over text; `plugin/egress/redact.py` is the face."""
