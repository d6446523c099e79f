"""How many attacks hold with a provider that obeys the attacker fully.

    python -m tests.benchmarks.bench_injection [--own]

Plants every text of tests/attacks/injection.jsonl (the given corpus) and own.jsonl (written after the product) in each
place where text can enter, asks twice with an obedient hostile model, and judges what left, what the page shows and
what changed. Prints the score of each corpus, and what failed by name.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.attacks.corpus import GIVEN, OWN, PLACES, failures, make_world


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--own", action="store_true", help="only the attacks written after the product")
    corpora = {"own": OWN} if parser.parse_args().own else {"given": GIVEN, "own": OWN}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        shop, gateway = make_world(Path(home), [each for attacks in corpora.values() for each in attacks])
        for name, attacks in corpora.items():
            began = time.perf_counter()
            wrong = {each["id"]: failures(shop, gateway, each) for each in attacks}
            held = sum(not each for each in wrong.values())
            seconds = time.perf_counter() - began
            print(
                f"{name}: {held} of {len(attacks)} attacks held, in {len(PLACES)} places each ({seconds:.0f} s)"
            )
            for ident, reasons in wrong.items():
                if reasons:
                    print(f"  {ident}: {'; '.join(dict.fromkeys(reasons))}")
        shop.store.close()


if __name__ == "__main__":
    main()
