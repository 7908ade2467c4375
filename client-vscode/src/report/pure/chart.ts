/** Small charts: bars as inline SVG whose colours are the theme's, each with its figures in words. */
import { type Markup, markup } from "./html";
import { grouped, percent } from "./words";

/** The width of a bar in its own units; the page stretches it. */
const WIDTH = 1000;
const HEIGHT = 10;

/** A share of a bar: of which class (which gives the colour), and how much, 0 to 1. */
interface Part {
    readonly kind: "before" | "gain" | "loss" | "killed" | "survived" | "uncovered" | "undecided" | "spent";
    readonly share: number;
}

/** A coverage before and after, in percent; unknown ones are null. */
export interface Change {
    readonly before: number | null;
    readonly after: number | null;
}

/**
 * A coverage as a bar: what was covered before, and what has come to it.
 *
 * @param threshold Where the mark stands; null without one.
 */
export function coverageBar(name: string, change: Change, threshold: number | null): Markup {
    const before = change.before ?? 0;
    const after = change.after ?? before;
    const parts: Part[] = [
        { kind: "before", share: Math.min(before, after) / 100 },
        { kind: after < before ? "loss" : "gain", share: Math.abs(after - before) / 100 },
    ];
    return bar(name, coverageWords(change, threshold), parts, threshold === null ? null : threshold / 100);
}

/** `45 % before, 100 % after, threshold 70 %` */
export function coverageWords({ before, after }: Change, threshold: number | null): string {
    const told = [
        before === null ? "not known before" : `${percent(before)} before`,
        after === null ? "not measured after" : `${percent(after)} after`,
        ...(threshold === null ? [] : [`threshold ${percent(threshold)}`]),
    ];
    return told.join(", ");
}

/** One coverage alone. */
export function singleBar(name: string, value: number): Markup {
    return bar(name, percent(value), [{ kind: "gain", share: value / 100 }], null);
}

/** What became of mutants, as counts. */
export interface MutantCounts {
    readonly killed: number;
    readonly survived: number;
    readonly uncovered: number;
    readonly undecided: number;
}

/** Mutants as one bar, by what became of them. */
export function mutantBar(counts: MutantCounts): Markup {
    const total = counts.killed + counts.survived + counts.uncovered + counts.undecided;
    const kinds = ["killed", "survived", "uncovered", "undecided"] as const;
    return bar(
        "Mutants",
        mutantWords(counts)
            .map(([, words]) => words)
            .join(", "),
        kinds.map((kind) => ({ kind, share: total === 0 ? 0 : counts[kind] / total })),
        null,
    );
}

/** The counts that are not zero, in words, each with its kind. */
export function mutantWords(counts: MutantCounts): (readonly [keyof MutantCounts, string])[] {
    const words = {
        killed: "noticed",
        survived: "not noticed",
        uncovered: "in lines that no test runs",
        undecided: "undecided",
    } as const;
    return (Object.keys(words) as (keyof MutantCounts)[])
        .filter((kind) => counts[kind] > 0)
        .map((kind) => [kind, `${grouped(counts[kind])} ${words[kind]}`] as const);
}

/** How much of the whole something took. */
export function shareBar(name: string, words: string, share: number): Markup {
    return bar(name, words, [{ kind: "spent", share }], null);
}

function bar(name: string, words: string, parts: readonly Part[], mark: number | null): Markup {
    let at = 0;
    const drawn: Markup[] = [];
    for (const { kind, share } of parts) {
        const width = Math.min(units(share), WIDTH - at);
        if (width > 0) {
            drawn.push(markup`<rect class="${kind}" x="${at}" y="0" width="${width}" height="${HEIGHT}"></rect>`);
            at += width;
        }
    }
    const line =
        mark !== null &&
        markup`<line class="mark" x1="${units(mark)}" x2="${units(mark)}" y1="-3" y2="${HEIGHT + 3}"></line>`;
    return markup`<svg
        class="bar"
        viewBox="0 -3 ${WIDTH} ${HEIGHT + 6}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${name}: ${words}"
    >
        <title>${name}: ${words}</title>
        <desc>${words}</desc>
        <rect class="track" x="0" y="0" width="${WIDTH}" height="${HEIGHT}"></rect>
        ${drawn}${line}
    </svg>`;
}

/** A share in the bar's units: something is never drawn as nothing, and less than all never as all. */
function units(share: number): number {
    const exact = Math.max(0, Math.min(1, share)) * WIDTH;
    return share > 0 && exact < 4 ? 4 : share < 1 && exact > WIDTH - 4 ? WIDTH - 4 : Math.round(exact);
}
