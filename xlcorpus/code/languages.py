"""The programming language of a source file, by its name, its first line, and a look inside where a name is shared."""

from __future__ import annotations

import re

_BY_SUFFIX = {
    "Ada": "adb ads", "Assembly": "asm s", "Awk": "awk", "Batchfile": "bat cmd", "C": "c", "C#": "cs",
    "C++": "cc cpp cxx c++ hpp hh hxx h++ ipp tpp", "CMake": "cmake", "CSS": "css", "Clojure": "clj cljs cljc edn",
    "CoffeeScript": "coffee", "Common Lisp": "lisp lsp cl asd", "Crystal": "cr", "Cuda": "cu cuh", "D": "d",
    "Dart": "dart", "Dockerfile": "dockerfile", "Elixir": "ex exs", "Elm": "elm", "Emacs Lisp": "el",
    "Erlang": "erl hrl", "F#": "fs fsi fsx", "Fortran": "f f77 f90 f95 f03 f08 for",
    "GLSL": "glsl vert frag geom comp", "Go": "go", "GraphQL": "graphql gql", "Groovy": "groovy gradle",
    "HCL": "hcl tf tfvars", "HTML": "html htm xhtml", "Haskell": "hs lhs", "INI": "ini cfg",
    "JSON": "json jsonc json5", "Java": "java", "JavaScript": "js mjs cjs jsx", "Julia": "jl", "Kotlin": "kt kts",
    "Lean": "lean", "Less": "less", "Lua": "lua", "MATLAB": "matlab", "Makefile": "mk mak",
    "Markdown": "md markdown mdx", "Nim": "nim nims", "Nix": "nix", "OCaml": "ml mli mll mly", "Objective-C": "",
    "Objective-C++": "mm", "Org": "org", "PHP": "php php5 phtml", "Pascal": "pas pp lpr dpr", "Perl": "pl pm t",
    "PowerShell": "ps1 psm1 psd1", "Prolog": "pro", "Protocol Buffer": "proto", "Python": "py pyi pyw pyx pxd",
    "R": "r rmd", "Racket": "rkt", "Ruby": "rb rake gemspec", "Rust": "rs", "SCSS": "scss sass", "SQL": "sql ddl",
    "Scala": "scala sc sbt", "Scheme": "scm ss", "Shell": "sh bash zsh ksh fish", "Solidity": "sol", "Stan": "stan",
    "Starlark": "bzl bazel star", "Svelte": "svelte", "Swift": "swift", "SystemVerilog": "sv svh", "TOML": "toml",
    "Tcl": "tcl", "TeX": "tex sty cls bib", "TypeScript": "ts tsx mts cts", "VHDL": "vhd vhdl", "Verilog": "v vh",
    "Vim Script": "vim", "Visual Basic": "vb bas", "Vue": "vue", "WebAssembly": "wat", "XML": "xml xsd xsl xslt",
    "YAML": "yml yaml", "Zig": "zig", "reStructuredText": "rst",
}  # fmt: skip
_BY_NAME = {
    "CMake": "cmakelists.txt", "Dockerfile": "dockerfile containerfile", "Go Module": "go.mod go.work",
    "Groovy": "jenkinsfile", "Just": "justfile", "Makefile": "makefile gnumakefile", "Meson": "meson.build",
    "Ruby": "rakefile gemfile podfile vagrantfile", "Shell": ".bashrc .bash_profile .profile .zshrc",
    "Starlark": "build.bazel workspace", "Vim Script": ".vimrc",
}  # fmt: skip
_BY_INTERPRETER = {
    "python": "Python", "pypy": "Python", "sh": "Shell", "bash": "Shell", "zsh": "Shell", "ksh": "Shell",
    "dash": "Shell", "fish": "Shell", "node": "JavaScript", "deno": "TypeScript", "perl": "Perl", "ruby": "Ruby",
    "php": "PHP", "lua": "Lua", "awk": "Awk", "gawk": "Awk", "tclsh": "Tcl", "rscript": "R", "julia": "Julia",
    "make": "Makefile", "groovy": "Groovy", "runhaskell": "Haskell", "pwsh": "PowerShell", "racket": "Racket",
    "escript": "Erlang", "elixir": "Elixir", "swift": "Swift",
}  # fmt: skip
_LANGUAGE_OF_SUFFIX = {suffix: language for language, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
_LANGUAGE_OF_NAME = {name: language for language, names in _BY_NAME.items() for name in names.split()}
LANGUAGES = frozenset({*_BY_SUFFIX, *_BY_NAME, "Coq"})
PROSE = frozenset({"Markdown", "Org", "TeX", "reStructuredText"})  # a line may be a paragraph
# Suffixes of more than one language: what a file of the second must hold; the first is in the table above.
_SHARED: dict[str, tuple[tuple[str, str], ...]] = {
    "h": (
        ("Objective-C", r"^[^\S\n]*(#import\b|@interface\b|@protocol\b|@class\b)"),
        ("C++", r"^[^\S\n]*(class\s+\w+|template\s*<|namespace\s+\w+|using\s+namespace|public:|private:)|\bstd::"),
        ("C", ""),
    ),
    "m": (("Objective-C", r"^[^\S\n]*(#import\b|#include\b|@(interface|implementation|end|import)\b)"), ("MATLAB", "")),
    "pl": (("Prolog", r"^[^\S\n]*:-|^[a-z]\w*\(.*\)\s*:-"), ("Perl", "")),
    "v": (("Coq", r"^[^\S\n]*(Require\s|Theorem\s|Lemma\s|Inductive\s|Definition\s|Proof\.|Qed\.)"), ("Verilog", "")),
    "ts": (("XML", r"\A\s*<(\?xml|!DOCTYPE)"), ("TypeScript", "")),
    "fs": (("GLSL", r"^[^\S\n]*(#version\s|precision\s+\w+p\s+float|void\s+main\s*\()"), ("F#", "")),
    "cls": (("TeX", r"^[^\S\n]*(%|\\)"), ("Visual Basic", r"^[^\S\n]*(Attribute|Public|Private|Option)\s")),
    "t": (("Perl", r"^[^\S\n]*(use\s|#!.*perl|my\s)"),),
    "d": (("D", r"^[^\S\n]*(module|import|void|int|class|struct)\s"),),
}  # fmt: skip
_SHEBANG = re.compile(r"#!\s*(?:\S{0,255}/)?(?:env\s+(?:-\S+\s+)*)?(?:\S{0,255}/)?([A-Za-z]+)")


def language_of(name: str, head: str) -> str | None:
    """The language of a file as GitHub spells it (`Python`, `C++`); None where it is not known.

    name: of the file, folders or not; head: its first few thousand characters, '' where nobody looked. By the whole
    name first, then by the suffix, then by the interpreter that the first line names.
    """
    base = name.rpartition("/")[2].lower()
    if base in _LANGUAGE_OF_NAME:
        return _LANGUAGE_OF_NAME[base]
    if base.startswith("dockerfile."):
        return "Dockerfile"
    stem, dot, suffix = base.rpartition(".")
    if dot and stem:
        if suffix in _SHARED:
            return next((one for one, pattern in _SHARED[suffix] if re.search(pattern, head, re.M)), None)
        return _LANGUAGE_OF_SUFFIX.get(suffix)
    found = _SHEBANG.match(head)
    return _BY_INTERPRETER.get(found.group(1).lower()) if found else None


def may_be_known(name: str) -> bool:
    """Whether the name alone leaves a chance that `language_of` knows the language: else nobody needs to read it."""
    base = name.rpartition("/")[2].lower()
    stem, dot, suffix = base.rpartition(".")
    known = base in _LANGUAGE_OF_NAME or base.startswith("dockerfile.")
    return known or not (dot and stem) or suffix in _SHARED or suffix in _LANGUAGE_OF_SUFFIX
