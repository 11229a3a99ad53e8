"""What each tool is called and takes, as a model is told of it: derived from the arguments that pydantic checks."""

from __future__ import annotations

from shammah_tui.tools.bash import Bash
from shammah_tui.tools.edit import Edit
from shammah_tui.tools.glob import Glob
from shammah_tui.tools.grep import Grep
from shammah_tui.tools.read import Read
from shammah_tui.tools.restart import Restart
from shammah_tui.tools.tool import specification
from shammah_tui.tools.web_fetch import WebFetch
from shammah_tui.tools.write import Write

READ = specification(Read.name, Read.description, Read.arguments)
GLOB = specification(Glob.name, Glob.description, Glob.arguments)
GREP = specification(Grep.name, Grep.description, Grep.arguments)
EDIT = specification(Edit.name, Edit.description, Edit.arguments)
WRITE = specification(Write.name, Write.description, Write.arguments)
BASH = specification(Bash.name, Bash.description, Bash.arguments)
WEB_FETCH = specification(WebFetch.name, WebFetch.description, WebFetch.arguments)
RESTART = specification(Restart.name, Restart.description, Restart.arguments)

ALL = (READ, GLOB, GREP, EDIT, WRITE, BASH, WEB_FETCH, RESTART)
