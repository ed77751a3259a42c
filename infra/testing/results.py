"""What was checked, where, and with what result: kept as each part runs, and shown as one table at the end."""

import json
import sys
from collections import Counter
from pathlib import Path

SEEN, UNSEEN, WRONG, NOT_RUN = "seen", "unseen", "wrong", "not run"


class Results:
    """One part's findings. Every check says what it is about, so that a count has something behind it."""

    def __init__(self, part: str, folder: Path):
        self.part, self.path = part, folder / f"{part}.results.jsonl"
        self.path.unlink(missing_ok=True)

    def _add(self, verdict: str, group: str, what: str, why: str = "") -> None:
        row = {"part": self.part, "group": group, "verdict": verdict, "what": what, "why": why}
        # Kept at once: what was seen counts also where the part breaks off later.
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def seen(self, group: str, what: str) -> None:
        self._add(SEEN, group, what)

    def wrong(self, group: str, what: str, why: str) -> None:
        print(f"  WRONG  {self.part}: {group}: {what}: {why}", file=sys.stderr)
        self._add(WRONG, group, what, why)

    def unseen(self, group: str, what: str, why: str) -> None:
        """The emulator does not show it. It is in the template's text, and that is all that is known."""
        self._add(UNSEEN, group, what, why)

    def not_run(self, group: str, why: str) -> None:
        self._add(NOT_RUN, group, group, why)

    def check(self, holds: bool, group: str, what: str, why: str) -> bool:
        if holds:
            self.seen(group, what)
        else:
            self.wrong(group, what, why)
        return holds


class Aside:
    """Takes the place of Results where findings are only counted, not reported."""

    def __init__(self):
        self.wrongs: list[str] = []
        self.seens = 0

    def seen(self, group: str, what: str) -> None:
        self.seens += 1

    def unseen(self, group: str, what: str, why: str) -> None:
        pass

    def wrong(self, group: str, what: str, why: str) -> None:
        self.wrongs.append(f"{what}: {why}")

    def check(self, holds: bool, group: str, what: str, why: str) -> bool:
        if holds:
            self.seen(group, what)
        else:
            self.wrong(group, what, why)
        return holds


def load(folder: Path, parts: list[str]) -> list[dict]:
    rows = []
    for part in parts:
        path = folder / f"{part}.results.jsonl"
        if path.exists():
            rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


def table(rows: list[dict]) -> str:
    counts: dict[tuple[str, str], Counter] = {}
    for row in rows:
        counts.setdefault((row["part"], row["group"]), Counter())[row["verdict"]] += 1
    width = max([len(group) for _, group in counts] + [10])
    lines = [f"{'where':<10} {'what':<{width}} {'seen':>6} {'text only':>9} {'wrong':>6}"]
    for (part, group), count in counts.items():
        tail = "" if not count[NOT_RUN] else "  NOT RUN"
        lines.append(f"{part:<10} {group:<{width}} {count[SEEN]:>6} {count[UNSEEN] or '':>9} {count[WRONG] or '':>6}{tail}")
    whole = Counter(row["verdict"] for row in rows)
    lines.append(f"{'together':<10} {'':<{width}} {whole[SEEN]:>6} {whole[UNSEEN] or '':>9} {whole[WRONG] or '':>6}")
    return "\n".join(lines)


def main() -> int:
    """usage: results.py FOLDER PART…: the table, and what is wrong. A part without results is wrong too."""
    folder, parts = Path(sys.argv[1]), sys.argv[2:]
    rows = load(folder, parts)
    print("\n" + table(rows))
    reasons = Counter((row["part"], row["why"]) for row in rows if row["verdict"] == UNSEEN)
    if reasons:
        print("\nonly on the templates' text, because:")
        for (part, why), count in reasons.items():
            print(f"  {part}: {why} ({count})")
    for row in rows:
        if row["verdict"] == NOT_RUN:
            print(f"\nNOT RUN: {row['part']}: {row['why']}")
    silent = [part for part in parts if not any(row["part"] == part for row in rows)]
    for part in silent:
        print(f"\nWRONG: {part} has no results: see {folder}/{part}.log")
    wrong = [row for row in rows if row["verdict"] == WRONG]
    if wrong:
        print(f"\n{len(wrong)} wrong:")
        for row in wrong:
            print(f"  {row['part']}: {row['group']}: {row['what']}: {row['why']}")
        print(f"logs: {', '.join(str(path) for path in sorted(folder.glob('*.log')))}")
    return 1 if wrong or silent else 0


if __name__ == "__main__":
    sys.exit(main())
