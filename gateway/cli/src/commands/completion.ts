import type { Command } from 'commander';
import { usage } from '../failures.ts';
import type { Run } from '../session.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `_sallyport() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(sallyport complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sallyport sallyport
`,
  zsh: `#compdef sallyport
_sallyport() {
  local -a words_found
  words_found=("\${(@f)$(sallyport complete -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null)}")
  compadd -a words_found
}
compdef _sallyport sallyport
`,
  fish: `complete -c sallyport -f -a '(sallyport complete -- (commandline -opc)[2..-1] 2>/dev/null)'
`,
};

/** `completion SHELL`, and the hidden `complete` that the scripts ask. */
export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish: source <(sallyport completion bash)')
    .action(async (shell: string) => {
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
      if (script === undefined) throw usage(`"${shell}" is no shell that is known`, 'One of: bash, zsh, fish');
      await run.out.write(script);
    });
  program
    .command('complete [words...]', { hidden: true })
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: readonly string[]) =>
      run.out.write(
        candidates(program, words)
          .map((word) => `${word}\n`)
          .join(''),
      ),
    );
}

/** What may follow the words before the cursor: subcommands and options. */
export function candidates(program: Command, words: readonly string[]): string[] {
  let at = program;
  for (const word of words) at = at.commands.find((each) => each.name() === word) ?? at;
  const help = at.createHelp();
  const commands = help.visibleCommands(at).map((each) => each.name());
  const options = help.visibleOptions(at).flatMap(({ long }) => (long == null ? [] : [long]));
  return [...commands, ...options];
}
