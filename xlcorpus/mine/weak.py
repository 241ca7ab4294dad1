"""Sentences translated word by word with a dictionary: bad text in the other language beside good text in this one.

They are demonstrations the other way round, from poor text to fluent text (El Mekki and Abdul-Mageed 2025). Words are
found and replaced as `codeswitch` does it: nothing stays that has an entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.lookup import unknown_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.lexicon.dictionaries import open_index, read_entries
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.dataset.storage import locate
from xlcorpus.mine.language_pair import PAIR_HELP, LanguagePair
from xlcorpus.mine.natural import Failed
from xlcorpus.mine.options import AskOptions
from xlcorpus.options import option
from xlcorpus.text.hashes import DIGEST_BYTES

FEW_TRANSLATED = "few_words_translated"
