"""The ledgers of all studies, in the order in which the claims table shows them."""

from perspectives.highres.claims import LEDGER as HIGHRES

LEDGERS = (HIGHRES,)
