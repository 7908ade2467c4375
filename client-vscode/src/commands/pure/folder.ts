/** Generating tests for a folder: what is offered, and what is said before it begins. */

export interface FolderModule {
    readonly uri: string;
    readonly name: string;
    readonly testUri: string | null;
    readonly percent: number | null;
}

/** Those without tests first, then those of which the least is covered; among equals, by their names. */
export function inOrder<Module extends FolderModule>(modules: readonly Module[]): readonly Module[] {
    const rank = (module: Module): number => (module.testUri === null ? -1 : (module.percent ?? 101));
    return [...modules].sort((one, other) => rank(one) - rank(other) || compare(one.name, other.name));
}

function compare(one: string, other: string): number {
    return one < other ? -1 : one > other ? 1 : 0;
}

/** What is said of a module in the list. */
export function stateOf({ testUri, percent }: FolderModule): string {
    if (testUri === null) {
        return "no tests yet";
    }
    return percent === null ? "has tests" : `has tests, ${Math.floor(percent)} % covered`;
}

/**
 * The question before it begins.
 *
 * @param seconds How long a run for one takes at most.
 */
export function question(count: number, seconds: number): { readonly message: string; readonly detail: string } {
    const modules = count === 1 ? "1 module" : `${count} modules`;
    return {
        message: `Generate tests for ${modules}?`,
        detail:
            `It takes ${duration(count * seconds)} at most, ${duration(seconds)} for each, one after the other. ` +
            "You can cancel at any time: what is written by then stays.",
    };
}

/** `45 seconds`, `7 minutes`, `2 hours`: rounded up, since it is the longest that it can take. */
export function duration(seconds: number): string {
    const whole = Math.ceil(seconds);
    if (whole < 120) {
        return counted(whole, "second");
    }
    const minutes = Math.ceil(whole / 60);
    if (minutes < 120) {
        return counted(minutes, "minute");
    }
    return counted(Math.ceil(minutes / 60), "hour");
}

function counted(count: number, noun: string): string {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Why there is nothing to generate tests for. */
export function nothingIn(name: string, skipped: readonly { readonly reason: string }[]): string {
    const [first] = skipped;
    if (first === undefined) {
        return `There is no Python module in ${name}.`;
    }
    const others = skipped.length - 1;
    const more =
        others === 0 ? "" : ` ${counted(others, "other file")} ${others === 1 ? "was" : "were"} left out, too.`;
    return `Nothing in ${name} can be tested. ${first.reason}${more}`;
}
