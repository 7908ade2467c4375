/** Versions of Python and of Testwright, as far as it is decided by them what is started. */

/** A release; what follows the numbers (`rc1`, `.dev3`) takes no part. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The first version in a text such as `testwright 0.1.0 (Python 3.11.7)`; undefined when there is none. */
export function parseVersion(text: string): Version | undefined {
    const match = /(?<![\d.])(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
    return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** What `testwright --version` has answered: its version; undefined when it is another program that answers. */
export function parseAnswer(output: string): Version | undefined {
    const line = /^testwright\b.*$/m.exec(output);
    return line === null ? undefined : parseVersion(line[0]);
}

/** Below zero when the first is older, above when it is newer. */
export function compareVersions(one: Version, other: Version): number {
    return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

/** Whether a server of that version speaks what this extension speaks: ours but for the patch, or newer. */
export function isCompatible(server: Version, ours: Version): boolean {
    return compareVersions([server[0], server[1], 0], [ours[0], ours[1], 0]) >= 0;
}

export function versionText(version: Version): string {
    return version.join(".");
}
