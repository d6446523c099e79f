"""The gateway: the one door out of the building.

Enters: typed parts of a conversation (`parts.py`), a viewer, tools. Leaves: a redacted request to the one provider that
the admin chose, recorded in the ledger before its first byte is sent, and the answer with stand-ins restored. Keeps
laws 4, 5 and 7: no other room may import a vendor's SDK or open a connection to one.
"""
