"""The sandbox's first data: the same on every start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from arize_mcp.sandbox.store import Store

API_KEY = "sandbox-key"
"""The one key that the sandbox accepts. It opens nothing else."""

_CREATED = "2026-06-01T08:00:00.000Z"
_SUPPORT_DATASET = "support-questions"

# category, question, a full answer, a short answer, score of the full one, score of the short one
_SUPPORT = (
    ("account", "How do I reset my password?", "Open Sign in, choose 'Forgot password' and follow the link we mail you. It is valid for 30 minutes.", "Use 'Forgot password' on the sign-in page.", 1.0, 1.0),
    ("billing", "Can I change my billing date?", "Yes. Under Billing > Schedule you can pick any day from the 1st to the 28th; it applies from the next invoice.", "Yes, in Billing.", 1.0, 0.5),
    ("billing", "Why was I charged twice?", "The second charge is an authorisation hold that your bank releases within five working days. If it stays longer, send us the receipt.", "Contact your bank.", 1.0, 0.0),
    ("plans", "Do you offer student discounts?", "Students get 50 % off the Pro plan after verifying a university address.", "Yes, 50 % off Pro.", 1.0, 1.0),
    ("data", "How do I export my data?", "Settings > Data > Export prepares a ZIP of CSV files and mails you a link, usually within ten minutes.", "Settings > Data > Export.", 1.0, 1.0),
    ("product", "Is there a mobile app?", "Yes, for iOS 16 and Android 11 or newer.", "Yes, for iOS and Android.", 1.0, 1.0),
    ("plans", "How many seats does the Team plan have?", "The Team plan starts with five seats; more can be added at any time.", "Ten seats.", 1.0, 0.0),
    ("plans", "Can I use my own domain?", "Custom domains are part of the Business plan: add a CNAME record and enter it under Settings > Domains.", "Yes, on the Business plan.", 1.0, 0.5),
    ("product", "What is your uptime guarantee?", "99.9 % a month on paid plans; credits are issued automatically when we miss it.", "99.9 %.", 1.0, 0.5),
    ("account", "How do I delete my account?", "Settings > Account > Delete. The data is kept for 30 days, then erased for good.", "Settings > Account > Delete.", 1.0, 0.5),
    ("security", "Do you support single sign-on?", "SAML and OpenID Connect are supported on the Business plan.", "Yes, SAML and OpenID Connect.", 1.0, 1.0),
    ("data", "Where are your servers?", "In Frankfurt and Virginia; you choose the region when you create a workspace.", "In the EU and the US.", 1.0, 1.0),
    ("billing", "Can I get an invoice with my VAT number?", "Enter the number under Billing > Company; it appears on all later invoices.", "Yes, enter it in Billing.", 1.0, 1.0),
    ("account", "How do I invite a teammate?", "Members > Invite, enter the address and pick a role. The invitation expires after seven days.", "Members > Invite.", 1.0, 1.0),
    ("plans", "What happens when my trial ends?", "The workspace becomes read-only. Nothing is deleted for 60 days.", "Your data is deleted.", 1.0, 0.0),
    ("security", "Is my data encrypted?", "Yes: TLS 1.3 in transit and AES-256 at rest.", "Yes.", 1.0, 0.5),
    ("billing", "Can I pause my subscription?", "Annual plans can be paused once a year for up to three months.", "No.", 1.0, 0.0),
    ("product", "Do you have a public API?", "Yes, the REST API is open to every paid plan; keys are made under Settings > API.", "Yes, see the documentation.", 1.0, 0.5),
)  # fmt: skip
_FAILED = 11  # the example at which the second experiment's model timed out


def seed(store: Store) -> None:
    """Give a store without a space one, with two datasets, and two experiments over the examples of the first.

    A store that was seeded before there were examples gets them too.
    """
    with store.transaction():
        if not store.spaces():
            space_id = store.add_space("Sandbox", _CREATED)
            support_id = store.add_dataset(space_id, _SUPPORT_DATASET, _CREATED)
            store.add_dataset(space_id, "sql-generation", _CREATED)
            for name, day, short, suffix in (
                ("support-baseline-short-prompt", 2, True, "aB3d"),
                ("support-detailed-prompt", 3, False, "eF6g"),
            ):
                runs = [json.dumps(run, ensure_ascii=False) for run in _runs(short=short)]
                created_at = datetime(2026, 6, day, 9, 30, tzinfo=UTC)
                store.create_experiment(name, support_id, None, runs, created_at=created_at, suffix=suffix)
        for dataset in store.datasets():
            if dataset["name"] == _SUPPORT_DATASET and not store.examples(dataset["id"], None, 1, None)[0]:
                store.add_examples(dataset["id"], _examples())


def _examples() -> Iterator[tuple[str, str, str]]:
    """The examples in the order of the runs: of each, when it was created, its id and its fields."""
    for index, (category, question, full, *_) in enumerate(_SUPPORT):
        fields = {"question": question, "expected_answer": full, "category": category}
        yield f"{_CREATED[:-4]}{index:03}Z", _example_id(question), json.dumps(fields, ensure_ascii=False)


def _example_id(question: str) -> str:
    return str(uuid5(NAMESPACE_URL, question))


def _runs(*, short: bool) -> Iterator[dict[str, Any]]:
    for index, (_, question, full, brief, full_score, brief_score) in enumerate(_SUPPORT):
        output, score = (brief, brief_score) if short else (full, full_score)
        run: dict[str, Any] = {
            "example_id": _example_id(question),
            "output": output,
            "question": question,
            "model": "gpt-4.1-mini" if short else "gpt-4.1",
            "temperature": 0.2,
            "latency_ms": 180 + 17 * len(output) // 10 + 23 * (index % 5),
            "token_count": 40 + len(output) // 4,
        }
        if index == _FAILED and not short:
            yield {
                **run,
                "output": None,
                "error": "APITimeoutError: the model did not answer within 30 s",
                "latency_ms": 30_000,
            }
            continue
        label = {1.0: "correct", 0.5: "incomplete", 0.0: "incorrect"}[score]
        yield {
            **run,
            "eval.correctness.score": score,
            "eval.correctness.label": label,
            "eval.correctness.explanation": f"The answer is {label} when compared with the help centre.",
        }
