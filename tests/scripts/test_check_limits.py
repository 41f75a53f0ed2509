#!/usr/bin/env python3
"""The limits check itself: made-up files just at a limit pass, one step further fails and is named."""
import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).resolve().parent.parent.parent / "scripts" / "check-limits"


def function(body, parameters="void", name="f"):
    return f"static int {name}({parameters})\n{{\n{body}}}\n"


def lines(n):
    return "    x++;\n" * n


def nested(n, inside="    x++;\n"):
    return "    if (x) {\n" * n + inside + "    }\n" * n


def ints(n):
    return ", ".join(f"int a{i}" for i in range(n))


PASS = None
CASES = [
    # what, file, text, what the complaint must say (or PASS)
    ("60 lines", "daemon/base/x.c", function(lines(57)), PASS),
    ("61 lines", "daemon/base/x.c", function(lines(58)), "f has 61 lines"),
    ("61 lines in a test", "tests/unit/test_x.c", function(lines(58)), "f has 61 lines"),
    ("61 lines, the signature on two", "rules/x.c", function(lines(57), "int a,\n             int b"), "f has 61 lines"),
    ("60 lines twice", "ctl/x.c", function(lines(57)) + "\n" + function(lines(57), name="g"), PASS),
    ("comments count as lines", "ctl/x.c", function("    /* why\n" + "\n" * 57 + " */\n"), "f has 62 lines"),
    ("a file of 600", "include/kefu/base/x.h", "int x;\n" * 600, PASS),
    ("a file of 601", "include/kefu/base/x.h", "int x;\n" * 601, "601 lines"),
    ("a test file of 601", "tests/unit/test_x.c", "int x;\n" * 601, "601 lines"),
    ("5 parameters", "rules/x.c", function("", ints(5)), PASS),
    ("6 parameters", "rules/x.c", function("", ints(6)), "f takes 6 parameters"),
    ("6 parameters on lines of their own", "rules/x.c", function("", ints(6).replace(", ", ",\n      ")), "takes 6"),
    ("6 parameters in a test", "tests/unit/test_x.c", function("", ints(6)), PASS),
    ("5 and an ellipsis", "rules/x.c", function("", ints(5) + ", ..."), PASS),
    ("a callback's own parameters", "rules/x.c", function("", "void (*cb)(int, int, int, int, int, int), int b"), PASS),
    ("6, one a callback", "rules/x.c", function("", "void (*cb)(int, int), " + ints(5)), "takes 6"),
    ("an attribute before", "rules/x.c",
     "__attribute__((format(printf, 1, 2)))\n" + function("", ints(6)), "f takes 6"),
    ("nesting 3", "daemon/x.c", function(nested(3)), PASS),
    ("nesting 4", "daemon/x.c", function(nested(4)), "f nests 4"),
    ("nesting 4 in a header", "include/kefu/base/x.h", function(nested(4)), "f nests 4"),
    ("nesting 4 in a test", "tests/unit/test_x.c", function(nested(4)), PASS),
    ("nesting 4 without braces", "daemon/x.c",
     function("    for (;;)\n        while (x)\n            if (y)\n                if (z)\n                    x++;\n"),
     "f nests 4"),
    ("do and else count", "daemon/x.c",
     function("    do {\n    if (x)\n y++;\n else {\n" + nested(2) + "    }\n    } while (x);\n"), "f nests 4"),
    ("else-if does not", "daemon/x.c",
     function("    if (a) {\n    }" + " else if (b) {\n    }" * 9 + "\n"), PASS),
    ("a switch is one, its cases none", "daemon/x.c",
     function("    switch (x) {\n    case 1:\n    case A + 2:\n" + nested(2) + "        break;\n    default: break;\n    }\n"),
     PASS),
    ("a switch around 3", "daemon/x.c",
     function("    switch (x) {\n    case 1:\n" + nested(3) + "        break;\n    }\n"), "f nests 4"),
    ("a loop macro is one", "daemon/x.c", function("    TAILQ_FOREACH(a, b, c) {\n" + nested(3) + "    }\n"), "f nests 4"),
    ("initialisers are none", "daemon/x.c",
     function("    struct a x[] = {{{{{1}}}}, {{{{2}}}}};\n    g((struct a){{{1}}});\n" + nested(3)), PASS),
    ("braces in literals and comments", "daemon/x.c",
     function("    s = \"{{{{\\\"{\"; /* {{ */ c = '{'; // {{\n" + nested(3)), PASS),
    ("of #if and #else one branch", "daemon/x.c",
     function("#ifdef A\n    if (x) {\n#else\n    if (y) {\n#endif\n" + nested(2) + "    }\n"), PASS),
    ("a goto label", "daemon/x.c", function("    goto out;\nout:\n    return x ? 1 : 2;\n"), PASS),
    ("a macro over lines", "daemon/x.c", "#define M(x) \\\n{ \\\n    if (x) { \\\n}\n" + function(nested(3)), PASS),
    ("a table is no function", "daemon/x.c", "static const int t[] = {\n" + "    1,\n" * 100 + "};\n", PASS),
    ("a brace that opens nothing", "daemon/x.c", "int a\n{\n}\n", "cannot be read"),
    ("a function without end", "daemon/x.c", "int a(void)\n{\n    if (x) {\n", "cannot be read"),
]


def run(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    failed = 0
    for what, name, text, want in CASES:
        status, out = run({name: text})
        good = status == 0 if want is PASS else status == 1 and f"{name}:" in out and want in out
        if not good:
            failed += 1
            print(f"{what}: expected {want or 'to pass'}, got {status}:\n{out}")
    if run({})[0] == 0:
        failed += 1
        print("an empty tree passed")
    print(f"{len(CASES) + 1} trees, {failed} not as expected")
    sys.exit(1 if failed else 0)


main()
