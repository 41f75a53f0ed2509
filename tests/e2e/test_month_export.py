#!/usr/bin/env python3
"""Exports of closed months: the same bytes at every export, whatever came since; numbers that are numbers, texts that are no
formulas; an accepted adjustment is paid with the next month, once. With LibreOffice (soffice) installed the workbook is
opened by it and read back.
"""
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from xml.etree import ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main, want

JAN = 1767578400000  # 2026-01-05 in Shanghai
DAY = 86400_000
RULES = {"name": "pay", "effective_from": "2020-01", "tier_min_handled": 1, "kpis": [
    {"name": "quick", "metric": "reply_within_rate", "weight": 1, "score": {"zero_at": 0, "full_at": 1}}],
    "tiers": [{"name": "gold", "min": 90, "bonus_fen": 200005}, {"name": "tin", "min": 0, "bonus_fen": 0}]}
EVIL = '=HYPERLINK("http://x","y")'
WIDE = "\uff1d1+1"  # a full-width =
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def chat(name, at, agent, wait_ms):
    return [{"id": f"{name}q", "ts": at, "type": "message", "conversation": name, "from": "customer", "text": "?"},
            {"id": f"{name}a", "ts": at + wait_ms, "type": "message", "conversation": name, "from": "agent", "agent": agent},
            {"id": f"{name}r", "ts": at + wait_ms + 1, "type": "conversation.resolved", "conversation": name}]


def profile(agent, **fields):
    return {"id": f"p{agent}", "ts": JAN - DAY, "type": "agent.profile", "agent": agent, **fields}


def export_all(daemon, folder, month):
    """The hash of each export of a month; workbooks and slips too."""
    path = os.path.join(folder, "x.xlsx")
    daemon.ctl("month", "export", month, "--format", "xlsx", "--out", path)
    want("mode of an export", 0o600, os.stat(path).st_mode & 0o777)
    files = {"xlsx": open(path, "rb").read(), "csv": daemon.ctl("month", "export", month),
             "payroll": daemon.ctl("month", "export", month, "--format", "payroll", status=daemon.payroll_status),
             "zh": daemon.ctl("month", "slip", month), "en": daemon.ctl("month", "slip", month, "--lang", "en")}
    return files, {name: hashlib.sha256(b).hexdigest() for name, b in files.items()}


def read_csv(data):
    assert data.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    assert data.count(b"\n") == data.count(b"\r\n"), "a line does not end in CRLF"
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def cells(workbook, number):
    """The cells of a sheet: {place: (value, is it a number)}."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as z:
        shared = ["".join(t.text or "" for t in si.iter(SHEET + "t"))
                  for si in ElementTree.fromstring(z.read("xl/sharedStrings.xml"))]
        sheet = ElementTree.fromstring(z.read(f"xl/worksheets/sheet{number}.xml"))
    want("formulas", [], list(sheet.iter(SHEET + "f")))
    want("the header is frozen", "frozen", sheet.find(f".//{SHEET}pane").get("state"))
    out = {}
    for c in sheet.iter(SHEET + "c"):
        v = c.find(SHEET + "v").text
        out[c.get("r")] = (shared[int(v)], False) if c.get("t") == "s" else (float(v), True)
    return out


def check_workbook(workbook):
    summary = cells(workbook, 1)
    titles = {v: place[0] for place, (v, _) in summary.items() if place[1:] == "1"}
    want("agent", ("amy", False), summary["A2"])
    want("name", (EVIL, False), summary["B2"])
    want("employee number", ("007", False), summary["C2"])
    want("score", (100.0, True), summary[titles["score"] + "2"])
    want("bonus", (2000.05, True), summary[titles["bonus"] + "2"])
    kpis = cells(workbook, 2)
    want("KPI", [("quick", False), (1.0, True), (1.0, True)], [kpis[c + "2"] for c in "BCD"])
    rules = cells(workbook, 4)
    assert ("pay", False) in rules.values() and (200005 / 100, True) in rules.values(), "the rulebook is not there"


def check_with_libreoffice(folder, workbook):
    if not shutil.which("soffice"):
        print("not read back by LibreOffice: soffice is not installed")
        return
    path = os.path.join(folder, "back.xlsx")
    with open(path, "wb") as f:
        f.write(workbook)
    subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/lo", "--headless", "--convert-to",
                    "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,true,false", "--outdir", folder, path],
                   check=True, timeout=150, capture_output=True)  # text in quotes, numbers without
    with open(os.path.join(folder, "back.csv"), encoding="utf-8") as f:
        titles, amy = f.read().splitlines()[:2]
    quoted = '"' + EVIL.replace('"', '""') + '"'
    assert amy.startswith(f'"amy";{quoted};"007";'), amy
    row = dict(zip(next(csv.reader([titles], delimiter=";")), amy.replace(quoted, "").split(";")))
    want("LibreOffice: bonus", 2000.05, float(row["bonus"].replace(",", "")))
    want("LibreOffice: score", 100, float(row["score"]))
    print("LibreOffice reads numbers as numbers")


def test(folder):
    os.mkdir(os.path.join(folder, "rules"))
    with open(os.path.join(folder, "rules", "pay.json"), "w") as f:
        json.dump(RULES, f)
    daemon = Kefud(folder, rulebooks_dir=os.path.join(folder, "rules")).start()
    daemon.payroll_status = 0
    daemon.load([profile("amy", name=EVIL, employee_no="007", team='A,"B"'), profile("bob", employee_no="008", name=WIDE),
                 profile("cai", employee_no="009", left_on="2026-01-31")])
    daemon.load(chat("c1", JAN, "amy", 5000) + chat("c2", JAN, "bob", 90_000) + chat("c3", JAN, "cai", 1000))
    daemon.ctl("month", "close", "2026-01", "--by", "li")
    files, first = export_all(daemon, folder, "2026-01")
    rows = {r["agent"]: r for r in read_csv(files["csv"])}
    want("name in CSV", "'" + EVIL, rows["amy"]["name"])
    want("wide name in CSV", "'" + WIDE, rows["bob"]["name"])
    want("team in CSV", 'A,"B"', rows["amy"]["team"])
    want("bonus in CSV", "2000.05", rows["amy"]["bonus"])
    want("payments", {"007": "2000.05", "009": "2000.05"},
         {r["employee_no"]: r["amount"] for r in read_csv(files["payroll"])})
    check_workbook(files["xlsx"])
    check_with_libreoffice(folder, files["xlsx"])
    assert "&lt;" in daemon.ctl("month", "slip", "2026-01", "amy").decode() or EVIL.replace('"', "&quot;") in \
        files["zh"].decode(), "a slip does not escape"

    # late: amy was slow in January, so she is paid too much, and so is cai, who has left
    daemon.load(chat("c4", JAN + 7, "amy", 90_000) + chat("c5", JAN + 9, "cai", 90_000))
    for agent in ("amy", "cai"):
        daemon.decide("accept", "2026-01", agent, "--by", "li", "--reason", "found late")
    daemon.load(chat("c6", JAN + 31 * DAY, "amy", 5000) + chat("c7", JAN + 31 * DAY, "bob", 5000))
    daemon.ctl("month", "close", "2026-02", "--by", "li")
    files, _ = export_all(daemon, folder, "2026-02")
    rows = {r["agent"]: r for r in read_csv(files["csv"])}
    want("amy in February", ("2000.05", "-2000.05", "0.00"),
         tuple(rows["amy"][k] for k in ("bonus", "adjustments", "amount")))
    want("cai, who has no row in February", ("", "0.00", "-2000.05", "-2000.05"),
         tuple(rows["cai"][k] for k in ("score", "bonus", "adjustments", "amount")))
    want("in the workbook", [("cai", False), (-2000.05, True)], [cells(files["xlsx"], 1)[c + "4"] for c in "AM"])
    want("who is paid for February", {"008": "2000.05", "009": "-2000.05"},
         {r["employee_no"]: r["amount"] for r in read_csv(files["payroll"])})
    frappe = read_csv(daemon.ctl("month", "export", "2026-02", "--format", "payroll", "--columns", "frappe"))
    want("for Frappe", ("008", "Performance Bonus", "2000.05", "2026-02-28"), tuple(frappe[0].values())[:4])
    own = read_csv(daemon.ctl("month", "export", "2026-02", "--format", "payroll", "--columns",
                              "工号=employee_no, 公司='示例', 金额=amount"))
    want("own columns", [{"工号": no, "公司": "示例", "金额": fen} for no, fen in (("008", "2000.05"), ("009", "-2000.05"))], own)
    want("a deduction for Frappe", ("009", "Performance Bonus Deduction", "2000.05"), tuple(frappe[1].values())[:3])
    daemon.ctl("month", "export", "2026-02", "--format", "payroll", "--columns", "a=b", status=1)
    adjusted = cells(files["xlsx"], 3)
    want("the adjustment", [("amy", False), ("2026-01", False)], [adjusted[c + "2"] for c in "AB"])
    want("its difference", (-2000.05, True), adjusted["G2"])

    daemon.stop()  # exports need no daemon, and are the same after all this
    _, again = export_all(daemon, folder, "2026-01")
    want("January once more", first, again)
    daemon.ctl("month", "export", "2026-03", status=1)


if __name__ == "__main__":
    sys.exit(main(test))
