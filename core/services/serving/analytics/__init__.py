"""What happens with models once people use them: requests, latency, tokens, ratings and cost; what training took, and
whether it helped; and what is asked that no example resembles."""

from core.services.serving.analytics.export import gaps_csv, generations_csv, usage_csv
from core.services.serving.analytics.gaps import Gap, GapsResult, newest_gaps, questions, running_gaps, start_gaps
from core.services.serving.analytics.generations import ModelGeneration, ModelLineage, lines
from core.services.serving.analytics.usage import UsageFigures, UsageRow, usage
