/** What a bug report needs to say, without what it must not. */

export interface Facts {
    /** Name and value, in their order. */
    readonly versions: readonly (readonly [string, string])[];
    /** Settings that are not what they are by default. */
    readonly settings: readonly (readonly [string, unknown])[];
    /** Which Python each folder has. */
    readonly interpreters: readonly (readonly [string, string])[];
    readonly server: readonly (readonly [string, string])[];
    /** What stands for the folders of the user's home. */
    readonly home: string;
    /** The user's name. */
    readonly user: string;
}

/** The document, to be pasted into a report. */
export function debugDocument(facts: Facts): string {
    const text = [
        "# Testwright: Debug Information",
        "",
        "Read it before you pass it on: paths and names of your project may be in it. Keys are not.",
        ...section("Versions", facts.versions.map(line)),
        ...section("Server", facts.server.map(line)),
        ...section("Python", facts.interpreters.map(line)),
        ...section(
            "Settings that are not the default",
            facts.settings.map(([name, value]) => `- \`${name}\`: \`${JSON.stringify(shown(name, value))}\``),
        ),
        "",
    ].join("\n");
    return withoutSecrets(withoutHome(text, facts.home, facts.user));
}

function section(title: string, lines: readonly string[]): readonly string[] {
    return ["", `## ${title}`, "", ...(lines.length > 0 ? lines : ["None."])];
}

function line([name, value]: readonly [string, string]): string {
    return `- ${name}: ${value}`;
}

/** A text that a name says is secret is not shown; no setting of ours is, but anybody can write one. */
function shown(name: string, value: unknown): unknown {
    const isSecret = typeof value !== "number" && /key|token|secret|password/i.test(name.slice(name.indexOf(".") + 1));
    return isSecret ? "(not shown)" : value;
}

/** Paths below the home as `~`, and homes of others without their names. */
export function withoutHome(text: string, home: string, user: string): string {
    let found = home.length > 1 ? text.replaceAll(new RegExp(`${quoted(home)}(?![\\w.-])`, "g"), "~") : text;
    found = found.replaceAll(/((?:\/home|\/Users)\/|[A-Za-z]:(?:\\{1,2})Users(?:\\{1,2}))[^/\\\s"'`:]+/g, "$1(user)");
    // A name that is a common word, or part of one, tells nothing and would make the text unreadable.
    return user.length > 3
        ? found.replaceAll(new RegExp(`(?<=[/\\\\])${quoted(user)}(?=[/\\\\\\s"'\`]|$)`, "gm"), "(user)")
        : found;
}

/** Without what looks like a key. */
export function withoutSecrets(text: string): string {
    return text
        .replaceAll(/\b(?:sk|pk|ghp|gho|xox[a-z])[-_][A-Za-z0-9_-]{8,}/g, "(a key)")
        .replaceAll(/(\w+:\/\/)[^\s/@:]+:[^\s/@]+@/g, "$1(a login)@");
}

function quoted(text: string): string {
    return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
