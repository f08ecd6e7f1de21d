"""The ledgers of all studies, in the order in which the claims table shows them."""

from perspectives.alignment.claims import LEDGER as ALIGNMENT
from perspectives.diffusion.claims import LEDGER as DIFFUSION
from perspectives.elements.claims import LEDGER as ELEMENTS
from perspectives.highres.claims import LEDGER as HIGHRES
from perspectives.protein.claims import LEDGER as PROTEIN

LEDGERS = (HIGHRES, DIFFUSION, ALIGNMENT, PROTEIN, ELEMENTS)
