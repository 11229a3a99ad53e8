"""`shammah doctor`: prints what `examination` finds. Exit code 1 when something essential is broken."""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import Namespace
from dataclasses import asdict

from shammah_tui.cli.examination import Finding, Grade, examine
from shammah_tui.cli.terminal import DIM, GREEN, RED, YELLOW, painted

SIGNS = {Grade.OK: ("✓", GREEN), Grade.NOTE: ("·", DIM), Grade.WARNING: ("!", YELLOW), Grade.BROKEN: ("✕", RED)}


def run(options: Namespace) -> int:
    """Examine this machine and print it; 1 if something essential is broken."""
    findings = asyncio.run(examine())
    broken = [finding for finding in findings if finding.grade is Grade.BROKEN]
    if options.json:
        print(json.dumps({"ok": not broken, "findings": [asdict(finding) for finding in findings]}, indent=2))
        return 1 if broken else 0
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        _print(finding, width)
    warnings = sum(finding.grade is Grade.WARNING for finding in findings)
    print(f"\n{len(broken) or 'Nothing'} broken, {warnings} {'warning' if warnings == 1 else 'warnings'}.")
    return 1 if broken else 0


def _print(finding: Finding, width: int) -> None:
    sign, colour = SIGNS[finding.grade]
    indent = "\n" + " " * (width + 4)
    print(f"{painted(sign, colour, sys.stdout)} {finding.name:<{width}}  {finding.detail.replace(chr(10), indent)}")
    if finding.hint:
        print(f"{indent[1:]}→ {finding.hint.replace(chr(10), indent + '  ')}")
