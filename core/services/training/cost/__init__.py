"""Cost before launch, as a range: hosted jobs by tokens, epochs and price, local ones by their time.

tokens   of an epoch, by the base's own tokenizer or estimated      hosted   tokens x epochs x price
table    prices that people entered, and published ones             local    hours at SFT_PRICE_PER_HOUR
asked    the same, of what a person chose                          billed   the estimate beside the final bill
own      the service's own estimate beside it
"""

from core.services.training.cost.asked import estimate_at
from core.services.training.cost.billed import BilledCost, billed
from core.services.training.cost.hosted import estimate
from core.services.training.cost.records import CostEstimate
from core.services.training.cost.table import (
    ANY_BASE,
    EnteredPrice,
    delete_price,
    entered,
    price_of,
    published_prices,
    save_price,
)
