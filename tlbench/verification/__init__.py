"""Verification of a board: what its rows and pages say, computed anew from the predictions beside the rows."""
