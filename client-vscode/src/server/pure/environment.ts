/** The variables that the server is started with, and what is never written into a log. */

/** Names of variables whose values are keys; the server's own log hides the same. */
const KEY_NAME = /(?:(?:^|_)key|apikey|token|secret|password|passwd|credentials?)(?:$|_)/i;

/** Shorter values are no keys, and hiding them would hide half of a log. */
const LEAST_LENGTH = 8;

/**
 * The editor's own variables, without what would change the Python of the server (`PYTHONPATH` and the like, which are
 * meant for the user's programs) or make a program of Electron a Node; and the keys.
 */
export function serverEnvironment(
    own: Readonly<Record<string, string | undefined>>,
    keys: Readonly<Record<string, string>>,
): Record<string, string> {
    const kept = Object.entries(own).filter(
        (pair): pair is [string, string] => pair[1] !== undefined && !/^(?:PYTHON|ELECTRON_)/i.test(pair[0]),
    );
    return { ...Object.fromEntries(kept), ...keys };
}

/** Something that puts `***` in place of each value of a key. */
export function hiderOf(environment: Readonly<Record<string, string>>): (text: string) => string {
    const values = Object.entries(environment)
        .filter(([name, value]) => KEY_NAME.test(name) && value.trim().length >= LEAST_LENGTH)
        .flatMap(([, value]) => [value.trim(), JSON.stringify(value.trim()).slice(1, -1)])
        // The longest first: one may be a part of another.
        .sort((one, other) => other.length - one.length);
    return (text) => values.reduce((hidden, value) => hidden.replaceAll(value, "***"), text);
}
