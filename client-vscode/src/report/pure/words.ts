/** Figures, lines and sentences, in the words in which the server's own account tells them. */

/** A jump from a line to a line; the end is below zero where it leaves what begins in that line. */
export type Arc = readonly [number, number];

/** Neighbouring lines: the first and the last of them. */
export type Span = readonly [number, number];

/** `1 test`, `2 tests`. */
export function counted(count: number, noun: string): string {
    return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `12,345` */
export function grouped(count: number): string {
    return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `78.72 %`, `100 %` */
export function percent(value: number): string {
    return `${Number(value.toPrecision(6))} %`;
}

/** `1.2 s` */
export function seconds(value: number): string {
    return `${value.toFixed(1)} s`;
}

/** US dollars as people say them: `free`, `under $0.0001`, `$0.0012`, `$1.50`. */
export function costWords(cost: number): string {
    if (cost === 0) {
        return "free";
    }
    if (cost < 0.0001) {
        return "under $0.0001";
    }
    if (cost < 0.01) {
        return `$${cost.toFixed(4)}`;
    }
    const [whole = "", cents = ""] = cost.toFixed(2).split(".");
    return `$${grouped(Number(whole))}.${cents}`;
}

/** Lines as runs of neighbours, in order. */
export function spans(lines: Iterable<number>): Span[] {
    const found: [number, number][] = [];
    for (const line of [...new Set(lines)].sort((a, b) => a - b)) {
        const last = found.at(-1);
        if (last?.[1] === line - 1) {
            last[1] = line;
        } else {
            found.push([line, line]);
        }
    }
    return found;
}

/** `12`, `20-24` */
export function spanWords([first, last]: Span): string {
    return first === last ? String(first) : `${first}-${last}`;
}

/** Branches in order, without those of which one of these lines speaks already. */
export function branchesBeside(branches: Iterable<Arc>, lines: Iterable<number>): Arc[] {
    const told = new Set(lines);
    return [...branches]
        .filter(([start, end]) => !told.has(start) && !told.has(end))
        .sort(([a, x], [b, y]) => a - b || x - y);
}

/** `12→15`, `12→exit` */
export function branchWords([start, end]: Arc): string {
    return `${start}→${end > 0 ? end : "exit"}`;
}

/** The part of a reason that many candidates share, and what is said of one alone. */
export function reasonParts(reason: string): { readonly shared: string; readonly own: string } {
    const at = reason.indexOf(": ");
    const shared = at < 0 ? reason : reason.slice(0, at);
    return { shared: shared.replace(/\.+$/, ""), own: at < 0 ? "" : reason.slice(at + 2) };
}

const OPTION = /`[^`]*`|(?<![\w-])--([a-z]+(?:-[a-z]+)*)/g;
const SETTINGS = new Set([
    "coverage-threshold",
    "budget",
    "engine",
    "box",
    "python",
    "placement",
    "seed",
    "pass-env",
    "max-iterations",
    "agent-box",
    "agent-sdk",
    "agent-image-base",
    "preferred-model",
    "fallback-models",
    "data-collection",
    "model-base-url",
    "model-registry",
    "max-model-cost",
    "max-model-requests",
    "max-model-tokens",
    "model-deadline",
]);

/**
 * A sentence of the command line for somebody in an editor: settings in place of options.
 *
 * `Give it more time with --budget.` becomes `Give it more time with the setting testwright.budget.`; what is no setting
 * is told as the command that has it.
 */
export function inEditorWords(sentence: string): string {
    return sentence.replace(OPTION, (found, option: string | undefined) => {
        if (option === undefined) {
            return found;
        }
        return SETTINGS.has(option)
            ? `the setting testwright.${option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}`
            : `\`testwright generate --${option}\``;
    });
}

/** Source that is too long to be read on a page: its beginning, and whether that is all. */
export function shortened(source: string, lines: number, width: number): string {
    // Of a source without end no more is looked at than could be shown.
    const most = lines * width;
    const text = source.slice(0, most).replaceAll("\r\n", "\n");
    const all = (source.length > most ? text : text.replace(/\n+$/, "")).split("\n");
    const kept = all.slice(0, lines).map((line) => (line.length > width ? `${line.slice(0, width)}…` : line));
    return (all.length > lines || source.length > most ? [...kept, "# ..."] : kept).join("\n");
}

/** Groups by a name, in the order in which the names first come. */
export function groupedBy<Value>(values: Iterable<Value>, name: (value: Value) => string): [string, Value[]][] {
    const groups = new Map<string, Value[]>();
    for (const value of values) {
        const group = groups.get(name(value));
        if (group === undefined) {
            groups.set(name(value), [value]);
        } else {
            group.push(value);
        }
    }
    return [...groups];
}

/** The name of a file without its folders. */
export function fileName(path: string): string {
    return /[^/\\]*$/.exec(path)?.[0] ?? path;
}
