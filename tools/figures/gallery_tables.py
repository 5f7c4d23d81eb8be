"""What is told of galleries, and of the service that serves them."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from wording import RESULTS, conditions, counted, table


def gallery(results: dict[str, Any]) -> str:
    """Searches of a large gallery beside NumPy's, and what it takes to keep one."""
    times = results["searches"]["milliseconds"]
    rows = [["One core", "Median", "99 %", "To the product alone", "To product and selection"], ["---"] * 5]
    for name, entry in times.items():
        base = "sgemm" if "64" in name else "sgemv"
        ratios = ["", ""]
        if base in times and not name.startswith("sgem"):
            ratios = [f"{times[b]['median'] / entry['median']:.1f} x" for b in (base, f"{base} and selection")]
        rows.append([name, f"{entry['median']:.1f} ms", f"{entry['p99']:.1f} ms", *ratios])
    opening, memory = results["openings"], results["memory"]
    compared = results["searches"]["compared"]
    lines = [
        f"{results['people']:,} synthetic people of {results['dimension']} numbers.",
        f"Opened in {opening['open']:.2f} s; codes made anew in {opening['rebuild']:.0f} s; database "
        f"{opening['database'] / 1e6:,.0f} MB, codes {opening['table'] / 1e6:,.0f} MB on the disk.",
        f"Stored templates read for a search: {compared[0]:.0f} on average, {compared[1]} at most.",
        f"Memory of a process of its own: {memory['before']:.0f} MB with the libraries loaded, "
        f"{memory['after']:.0f} MB after four searches, {memory['after_more']:.0f} MB after 64 more and a batch.",
        f"One durable enrolment takes {results['enrolments']['enrolment']:.2f} ms, a bare durable insert into an empty "
        f"SQLite table on the same disk {results['enrolments']['bare_commit']:.2f} ms.",
        f"A person enrolled is found by two other processes {results['other_processes']['median']:.1f} ms after the "
        f"commit (99 %: {results['other_processes']['p99']:.1f} ms).",
    ]
    if "agreement" in results:
        same = results["agreement"]
        lines.append(
            f"Of {same['probes']:,} probes, half of them of nobody in the gallery, {same['different']} got another "
            f"answer than by brute force; scores differ by {same['score_error']:.0e} at most."
        )
    return table(rows) + "\n" + "".join(f"- {line}\n" for line in lines) + conditions(results, "one core")


def capacity(results: dict[str, Any]) -> str:
    """What galleries of every size take, and what their size costs."""
    small, large = (json.loads((RESULTS / name).read_text()) for name in ("gallery.json", "gallery-10m.json"))
    servers = {one["people"]: one["median"] for one in json.loads((RESULTS / "server.json").read_text())["sizes"]}
    disk = {one["people"]: (one["openings"]["database"], one["openings"]["table"]) for one in (small, large)}
    taken = {one["people"]: one["searches"]["milliseconds"]["top 10"]["median"] for one in (small, large)}
    head = ["People", "Database", "Codes", "A search on one core", "On one server", "Threshold", "Missed"]
    rows = [head, ["---"] * len(head)]
    for row in results["sizes"]:
        count = row["people"]
        base, codes = disk.get(count, [part * count / 1e7 for part in disk[10_000_000]])
        search = taken.get(count, line(taken, count))
        asked = servers.get(count, line(servers, count))
        paper = "" if count in taken else "~"
        missed = f"{row['fnir']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
        rows.append(
            [
                f"{count:,}",
                f"{paper}{amount(base)}",
                f"{paper}{amount(codes)}" if count > 16_384 else "in memory",
                f"{paper}{duration(search)}",
                f"{'' if count in servers else '~'}{duration(asked)}",
                f"{'' if row['measured'] else '~'}{row['threshold']:.3f}",
                missed if row["measured"] else f"~{missed}",
            ]
        )
    return table(rows) + conditions(results, "thresholds and missed people; the rest from the figures named above")


def line(measured: dict[int, float], count: int) -> float:
    """What a straight line through two measured sizes says of another."""
    (one, first), (other, second) = measured.items()
    return first + (second - first) * (count - one) / (other - one)


def amount(size: float) -> str:
    """Bytes in the unit that reads best."""
    for unit in ("MB", "GB"):
        size /= 1e6 if unit == "MB" else 1e3
        if size < 1000:
            return f"{size:,.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"
    return f"{size / 1e3:,.1f} TB"


def duration(milliseconds: float) -> str:
    """Milliseconds in the unit that reads best."""
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1e3:.1f} s"


def server(results: dict[str, Any]) -> str:
    """Searches by one PostgreSQL server."""
    rows = [["People", "Fused templates", "Median", "99 %"], ["---"] * 4]
    for one in results["sizes"]:
        quantiles = (duration(one["median"]), duration(one["p99"]))
        rows.append([f"{one['people']:,}", amount(one["bytes"]), *quantiles])
    made = [(one["people"], one["graph"]) for one in results["sizes"] if "graph" in one]
    graphs = "".join(
        f"\nBy a graph of {people:,} (made in {graph['seconds']:.0f} s, {amount(graph['bytes'])}): "
        f"{duration(graph['median'])}; the person was among the ten in {graph['mated']:.1%} of {graph['probes']} "
        f"searches, which named {graph['ten']:.0%} of the ten that are nearest.\n"
        for people, graph in made
    )
    return table(rows) + graphs + conditions(results, "PostgreSQL with pgvector, synthetic isotropic people")


def crashes(results: dict[str, Any]) -> str:
    """What random kills left."""
    counts = ", ".join(f"{number:,} {name}" for name, number in results["counts"].items() if name != "kills")
    return f"{results['kills']} kills: {counts}.\n{conditions(results, 'a process killed with SIGKILL')}"


def serving(results: dict[str, Any]) -> str:
    """The service under load, beside the library over the same images."""
    head = [f"{results['clients']} clients", "Images a second", "CPU time an image", "To the library", "Median", "99 %"]
    rows = [[*head, "Told to come back"], ["---"] * (len(head) + 1)]
    runs, library = (results["served"], results["overload"]), results["library"]
    for run in runs:
        measured = [f"{run['images_per_second']:.1f}", f"{run['cpu_ms']:.1f} ms", f"{run['cpu_ratio']:.2f}"]
        waited = [f"{run['latency'][name]:.2f} s" for name in ("median", "p99")]
        rows.append([f"a queue of {run['queue']}", *measured, *waited, f"{run['statuses'].get('503', 0):,}"])
    declared = {"200", "429", "503"}
    wrong = sum(n for run in runs for status, n in run["statuses"].items() if status not in declared)
    broken = sum(len(run["broken"]) for run in runs)
    answers = sum(sum(run["statuses"].values()) for run in runs)
    sizes = [f"{size}: {median(one['batches'][size] for one in library):.1f} ms" for size in library[0]["batches"]]
    served, (before, after) = runs[0], (one["cpu_ms"] for one in library)
    tails = " and ".join(f"{run['tail_ratio']:.2f}" for run in runs)
    lines = (
        f"{answers:,} answers; {counted(wrong, 'error')} beyond 429 and 503, {counted(broken, 'broken connection')}.",
        f"99 % of the accepted are answered within {tails} times what a full queue takes at the measured rate.",
        f"Memory in the last tenth to that in the first: {served['memory_ratio']:.3f}, "
        f"{served['memory']['late'] / 1e6:.0f} MB.",
        f"The library takes {before:.1f} ms before and {after:.1f} ms after. By size of batch, in one thread: "
        f"{', '.join(sizes)}; the service's batches had {served['mean_batch']:.1f} images.",
    )
    loads = [f"{results[name][0]:.1f}" for name in ("load_average", "load_average_after")]
    how = (
        f"{served['seconds']:.0f} seconds, {results['people']} people, load average {loads[0]} before, {loads[1]} after"
    )
    return table(rows) + "\n" + "".join(f"- {line}\n" for line in lines) + conditions(results, how)
