"""`runbook completion`: the script that makes a shell complete. What there is to complete says `complete.py`."""

from __future__ import annotations

import click

BASH = r"""# Completion of runbook for bash. To install it, put this into ~/.bashrc:
#   source <(runbook completion bash)
_runbook() {
    local line current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    compopt +o default 2>/dev/null
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            *)
                case $current in
                    [\"\']*) ;;
                    *) printf -v line %q "$line" ;;
                esac
                COMPREPLY+=("$line") ;;
        esac
    done < <(_RUNBOOK_COMPLETE=bash "${COMP_WORDS[0]}" -- "${COMP_LINE:0:COMP_POINT}" "$current" 2>/dev/null)
}
complete -o default -o nosort -F _runbook runbook 2>/dev/null || complete -o default -F _runbook runbook
"""

ZSH = r"""#compdef runbook
# Completion of runbook for zsh. To install it, put this into ~/.zshrc, after compinit:
#   source <(runbook completion zsh)
# or the whole into a file _runbook in a folder of $fpath.
_runbook() {
    local line
    local -a values shown
    while IFS= read -r line; do
        case $line in
            :files) _files; return ;;
            *)
                values+=("${line%%$'\t'*}")
                shown+=("${line/$'\t'/  }") ;;
        esac
    done < <(_RUNBOOK_COMPLETE=zsh "${(Q)words[1]}" -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    (( $#values )) && compadd -V runbook -l -d shown -a values
}
if [ "$funcstack[1]" = _runbook ]; then
    _runbook "$@"
else
    compdef _runbook runbook
fi
"""

FISH = r"""# Completion of runbook for fish. To install it:
#   runbook completion fish > ~/.config/fish/completions/runbook.fish
function __runbook_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct | string trim --left --chars '"\'')
    for line in (_RUNBOOK_COMPLETE=fish $program -- $words "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c runbook -f -k -a '(__runbook_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion(shell: str) -> None:
    """Print the script that makes SHELL complete; its first lines say how to install it."""
    click.echo(SCRIPTS[shell], nl=False)
