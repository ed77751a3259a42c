"""What a storm showed, and whether it is good enough."""

import json
from pathlib import Path
from statistics import mean, median

from storm_findings import OWED

# A post is marked well within so long; a worker that is killed before may have its post repeated.
MARK_S = 5.0
# A worker that is killed so soon after a 429 may not have written the pause to the ledger.
NEWS_S = 1.0
# The most memory. A debug build is larger by itself.
RSS_MAX_MIB = 48
LISTED_MAX = 10


def report(storm) -> bool:
    """Prints the report, writes all data to files, and returns whether every check holds."""
    posts = sorted(storm.posts, key=lambda post: post["arrived"])
    judge_posts(posts, storm.kills)
    criticals = [critical(storm, id, arrival, posts) for id, arrival in storm.arrivals.items()]
    repeats = [repeat for id in sorted(storm.posts_of) for repeat in repeats_of(storm, id)]
    numbers = {
        "findings": storm.args.counts,
        "seed": storm.args.seed,
        "workers": storm.args.workers,
        "fleet": storm.fleet,
        "binary": storm.args.binary,
        "sent_in_s": round(storm.sending_s, 1),
        "posted_after_s": round(storm.posted_after, 1),
        "not_posted": sorted(storm.owed - storm.posts_of.keys()),
        "posted_below_threshold": sorted(id for id in storm.posts_of if storm.findings[id].level not in OWED),
        "repeats": repeats,
        "verdicts": count(post["verdict"] for post in posts),
        "posts": numbers_of_posts(posts, storm),
        "criticals": criticals,
        "memory": numbers_of_memory(storm.memory),
        "kills": len(storm.kills),
        "exits": storm.exits,
        "left": {name: {"visible": visible, "hidden": hidden} for name, (visible, hidden) in storm.left.items()},
    }
    show(storm, numbers)
    write(storm.folder, numbers, posts, storm)
    checks = judge(storm, numbers)
    print()
    for what, holds in checks:
        print(f"  {'-' if holds is None else 'ok' if holds else 'FAILED':<7} {what}")
    return all(holds is not False for _, holds in checks)


def judge_posts(posts: list[dict], kills: list[dict]) -> None:
    """A post into a pause is excused if the worker that knew of the pause was killed before it could share it."""
    pause = None
    for post in posts:
        if post["verdict"] == "on_purpose":
            pause = post
        if post["verdict"] == "in_pause" and pause:
            since = (pause["arrived"], pause["answered"] + NEWS_S)
            if any(k["worker"] == pause["worker"] and since[0] <= k["at"] <= since[1] for k in kills):
                post["verdict"] = "in_pause_after_kill"


def critical(storm, id: str, arrival: dict, posts: list[dict]) -> dict:
    """The times of a critical finding at each step, and the killed workers that held it."""
    arrived = arrival["arrived"]
    first_post = min(storm.posts_of.get(id, []), key=lambda post: post["arrived"], default=None)
    end = first_post["answered"] if first_post else float("inf")
    steps = [step for step in storm.steps if step["id"] == id and step["asked"] < end]
    receives = [step for step in steps if step["kind"] == "receive"]
    found = {"id": id, "backlog": arrival["backlog"], "killed": held_by_killed(receives, storm.kills, end)}
    if not first_post:
        return found
    found["total"] = first_post["answered"] - arrived
    found["paused"] = overlap(arrived, first_post["answered"], pauses(posts))
    found["net"] = found["total"] - found["paused"]
    found["answer"] = first_post["answered"] - first_post["arrived"]
    # Steps of the worker that posted it, after that worker was last killed.
    worker, posted = first_post["worker"], first_post["arrived"]
    since = max((kill["at"] for kill in storm.kills if kill["worker"] == worker and kill["at"] < posted), default=0)
    steps = [step for step in steps if step["worker"] == worker and since < step["asked"] < posted]
    mine = [step for step in steps if step["kind"] == "receive" and not step["dead"] and step["answered"] <= posted]
    claims = [step for step in steps if step["kind"] == "write"]
    found["refused"] = sum(
        post["verdict"] != "accepted" and post["worker"] == worker and arrived < post["arrived"] < posted
        for post in posts
    )
    if mine and claims:
        first, last = mine[0], claims[-1]
        found["lane"] = first["lane"]
        found["receive"] = first["answered"] - arrived
        found["slot"] = last["asked"] - first["answered"]
        found["claim"] = last["answered"] - last["asked"]
        found["post"] = first_post["arrived"] - last["answered"]
    return found


def held_by_killed(receives: list[dict], kills: list[dict], end: float) -> str:
    for step in receives:
        if step["dead"]:
            return f"handed to the poll of {step['worker']}, which was dead"
        for kill in kills:
            if kill["worker"] == step["worker"] and step["answered"] <= kill["at"] <= end:
                return f"{step['worker']} had it, and was killed"
    return ""


def pauses(posts: list[dict]) -> list[tuple[float, float]]:
    return [(post["arrived"], post["pause_until"]) for post in posts if post["verdict"] == "on_purpose"]


def overlap(start: float, end: float, parts: list[tuple[float, float]]) -> float:
    """Pauses never overlap each other: within one, no other is begun."""
    return sum(max(0.0, min(end, until) - max(start, since)) for since, until in parts)


def repeats_of(storm, id: str) -> list[dict]:
    posts = sorted(storm.posts_of[id], key=lambda post: post["arrived"])
    found = []
    for before, again in zip(posts, posts[1:]):
        until = before["answered"] + MARK_S
        killed = [
            kill["at"] - before["arrived"]
            for kill in storm.kills
            if kill["worker"] == before["worker"] and before["arrived"] <= kill["at"] <= until
        ]
        cause = f"{before['worker']} was killed {killed[0]:.2f} s after the first post" if killed else ""
        after = again["arrived"] - before["arrived"]
        found.append({"id": id, "level": storm.findings[id].level, "after_s": round(after, 1), "cause": cause})
    return found


def numbers_of_posts(posts: list[dict], storm) -> dict:
    accepted = [post for post in posts if post["verdict"] == "accepted"]
    gaps = [after["arrived"] - before["arrived"] for before, after in zip(accepted, accepted[1:])]
    tried = [post["gap"] for post in posts if post["gap"] != float("inf")]
    shown = sum(len(post["ids"]) for post in accepted)
    took = accepted[-1]["arrived"] - accepted[0]["arrived"] if accepted else 0.0
    by_worker = count(post["worker"] for post in accepted)
    return {
        "accepted": len(accepted),
        "by_worker": by_worker,
        "findings_per_post": shown / max(len(accepted), 1),
        "findings_per_s": shown / took if took else 0.0,
        "gap_min_s": min(gaps, default=None),
        "gap_median_s": median(gaps) if gaps else None,
        "tried_gap_min_s": min(tried, default=None),
        "tried_too_early": sum(gap < 1.0 for gap in tried),
        "bytes_max": max((post["bytes"] for post in posts), default=0),
    }


def numbers_of_memory(samples: list[dict]) -> dict:
    """The trend is that of the process that lived longest: a new one starts small again."""
    lives: dict[int, list[dict]] = {}
    for sample in samples:
        lives.setdefault(sample["pid"], []).append(sample)
    longest = max(lives.values(), key=len, default=[])
    third = len(longest) // 3
    mib = [sample["rss_kib"] / 1024 for sample in longest]
    return {
        "peak_mib": max((sample["peak_kib"] for sample in samples), default=0) / 1024,
        "processes": len(lives),
        "longest_life_s": longest[-1]["at"] - longest[0]["at"] if longest else 0.0,
        "first_third_mib": mean(mib[:third]) if third else None,
        "last_third_mib": mean(mib[-third:]) if third else None,
    }


def judge(storm, numbers: dict) -> list[tuple[str, bool | None]]:
    """Each check, and whether it holds; None where it is not asked for."""
    within = storm.args.critical_within
    missing, owed = len(numbers["not_posted"]), len(storm.owed)
    late = [c for c in numbers["criticals"] if not c["killed"] and c.get("net", float("inf")) > within]
    verdicts = numbers["verdicts"]
    deserved = verdicts.get("too_early", 0) + verdicts.get("in_pause", 0)
    unexplained = sum(not repeat["cause"] for repeat in numbers["repeats"])
    left = {name: sum(counts.values()) for name, counts in numbers["left"].items()}
    is_debug = "debug" in Path(storm.args.binary).parts
    rss_max = storm.args.rss_max or (None if is_debug else RSS_MAX_MIB)
    peak = numbers["memory"]["peak_mib"]
    lanes = left["express"] + left["standard"]
    bad = len(numbers["posted_below_threshold"]) + verdicts.get("invalid_payload", 0)
    return [
        (f"every finding above the threshold was posted: {owed - missing} of {owed}", missing == 0 and storm.all_sent),
        (f"dead-letter queue and quarantine are empty: {left['dead']} and {left['quarantine']}",
         left["dead"] == left["quarantine"] == 0),
        (f"criticals were posted within {within:g} s, Slack's pauses aside, but for those of a killed worker: "
         f"{len(late)} were not", not late),
        (f"no more than {storm.args.provoked_max} 429s were deserved: {deserved} were",
         deserved <= storm.args.provoked_max),
        (f"no more than {storm.args.posts_max} posts for all of it: {numbers['posts']['accepted']}",
         numbers["posts"]["accepted"] <= storm.args.posts_max if storm.args.posts_max else None),
        (f"no finding was posted twice but for a kill: {unexplained} were", unexplained == 0),
        (f"no finding below the threshold was posted, and no payload was bad: {bad} were", bad == 0),
        (f"the lanes are empty when all is settled: {lanes} left", lanes == 0 if storm.args.settle else None),
        (f"memory stays below {rss_max or RSS_MAX_MIB:g} MiB: {peak:.1f} MiB" + ("" if rss_max else " (debug build)"),
         peak < rss_max if rss_max else None),
    ]


def show(storm, n: dict) -> None:
    p, m = n["posts"], n["memory"]
    rate = storm.args.findings / max(storm.sending_s, 1e-9)
    fleet = "who know of each other" if n["fleet"] else "each with a pace of its own"
    print(f"\nstorm: {storm.args.findings} findings, workers: {n['workers']} ({fleet}), seed {n['seed']}")
    print(f"  binary     {n['binary']}")
    print(f"  sent       in {n['sent_in_s']} s ({rate:.0f} /s)")
    print(f"  posted     {len(storm.posts_of)} of {len(storm.owed)} owed, after {n['posted_after_s']} s; "
          f"{p['findings_per_s']:.1f} /s")
    print(f"  posts      {p['accepted']} accepted {p['by_worker']}, {p['findings_per_post']:.1f} findings each, "
          f"{p['bytes_max']} bytes at most")
    print(f"  spacing    of accepted posts: {seconds(p['gap_min_s'])} at least, median {seconds(p['gap_median_s'])}; "
          f"tried: {seconds(p['tried_gap_min_s'])} at least, {p['tried_too_early']} below 1.0 s")
    v = n["verdicts"].get
    print(f"  429        deserved: {v('too_early', 0)} too early, {v('in_pause', 0)} into a pause; "
          f"not: {v('on_purpose', 0)} on purpose, {v('under_way', 0)} under way when a pause began, "
          f"{v('in_pause_after_kill', 0)} into a pause that only a killed worker knew of")
    print(f"  twice      {len(n['repeats'])} findings were posted again; {n['kills']} kills")
    for cause, times in count(r["cause"] or "no cause is known" for r in n["repeats"]).items():
        print(f"             {times} × {cause}")
    for id in n["not_posted"][:LISTED_MAX]:
        print(f"  not posted {id} {storm.findings[id].level}")
    left = ", ".join(f"{name} {c['visible']} + {c['hidden']} hidden" for name, c in n["left"].items())
    print(f"  left       {left}" + ("" if storm.settled else " (did not settle in time)"))
    thirds = f"{mib(m['first_third_mib'])} in its first third, {mib(m['last_third_mib'])} in its last"
    print(f"  memory     {m['peak_mib']:.1f} MiB at most in {m['processes']} processes; the longest-lived, "
          f"{m['longest_life_s']:.0f} s: {thirds}")
    print(f"  ends       at SIGTERM, status: {n['exits']}")
    show_criticals(n["criticals"])


STEPS = ["receive", "slot", "claim", "post", "answer"]


def show_criticals(criticals: list[dict]) -> None:
    """Where the time went, in seconds: see README.md for the columns."""
    columns = ["total", "paused", "net", *STEPS]
    heads = "".join(f"{name:>9}" for name in columns)
    print(f"\n  criticals  {'backlog':>8}{heads}  refused")
    for c in criticals:
        times = "".join(f"{c[name]:9.2f}" if name in c else f"{'?':>9}" for name in columns)
        print(f"  {c['id'][:8]}   {c['backlog']:>8}{times}{c.get('refused', '?'):>9}  {c['killed']}")
    free = [c for c in criticals if not c["killed"] and "net" in c]
    for name, measure in (("median", median), ("max", max)):
        values = {column: [c[column] for c in free if column in c] for column in columns}
        times = "".join(f"{measure(v):9.2f}" if v else f"{'?':>9}" for v in values.values())
        print(f"  {name:<8}   {'':>8}{times}           of the {len(free)} that no killed worker held")


def count(words) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))


def seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f} s"


def mib(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f} MiB"


def write(folder: Path, numbers: dict, posts: list[dict], storm) -> None:
    """For whoever wants to know more: times are in seconds since the storm began."""
    (folder / "report.json").write_text(json.dumps(numbers, indent=1) + "\n")

    def relative(event: dict) -> dict:
        clocks = {"at", "arrived", "answered", "asked", "pause_until"}
        return {k: round(v - storm.started, 4) if k in clocks else v for k, v in event.items()}

    events = [{"event": "post", **relative(post)} for post in posts]
    events += [{"event": "kill", **relative(kill)} for kill in storm.kills]
    events += [{"event": "arrival", "id": id, **relative(arrival)} for id, arrival in storm.arrivals.items()]
    events += [{"event": "step", **relative(step)} for step in storm.steps]
    events += [{"event": "memory", **relative(sample)} for sample in storm.memory]
    with open(folder / "events.jsonl", "w") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
