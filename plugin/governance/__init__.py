"""Governance: the registry of settings and what follows from it. Keeps law 9.

Enters: a workspace's stored values. Leaves: typed settings, and sentences about them that are computed, not written.
"""

from plugin.governance.ai_settings import AiLimits, AiSettings, RedactionPattern, SqlLimits
from plugin.governance.settings import SETTINGS, SettingSpec

__all__ = ["SETTINGS", "AiLimits", "AiSettings", "RedactionPattern", "SettingSpec", "SqlLimits"]
