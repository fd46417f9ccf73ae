"""Secrets: what counts as one, and how texts, arguments and data are shown or stored without them.

There are two ways to recognise a secret. A *known* secret is a value from the arguments of a model,
from other settings, or from the environment: it stands under a name that says so (`names_setting`),
or is a password in an address. It is found wherever it is repeated, also quoted, URL-encoded or in
base64. In text of models, tools and servers nothing is known; there only fields whose name is
unmistakable (`names_field`), fields of a likely name with a value that looks generated,
credentials in addresses, and the usual forms of keys are recognised.

Names are judged by `names`, values by `values`, text by `text`. Every scan takes linear time.
"""

from tau2.llm.secrets.names import PRIVATE_ARGS, names_field, names_setting
from tau2.llm.secrets.redactor import Redactor, redact, redact_args, redactor_of, text_redactor
from tau2.llm.secrets.text import REDACTED
from tau2.llm.secrets.values import (
    FlatItems,
    flat_items,
    secrets_in_args,
    secrets_in_environment,
)

__all__ = [
    "PRIVATE_ARGS",
    "REDACTED",
    "FlatItems",
    "Redactor",
    "flat_items",
    "names_field",
    "names_setting",
    "redact",
    "redact_args",
    "redactor_of",
    "secrets_in_args",
    "secrets_in_environment",
    "text_redactor",
]
