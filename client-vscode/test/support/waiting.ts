/** Waiting for what will be seen, with a time limit and what was seen instead when it passes. */

/**
 * Look again and again until there is something.
 *
 * @param what For the message when the time has passed.
 * @param look Gives what is waited for, or something false.
 */
export async function waitFor<Value>(
    what: string,
    look: () => Value | Promise<Value>,
    { seconds = 30, pause = 0.1 } = {},
): Promise<NonNullable<Exclude<Value, false | "">>> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
        const seen = await look();
        if (seen !== undefined && seen !== null && seen !== false && seen !== "") {
            return seen as NonNullable<Exclude<Value, false | "">>;
        }
        if (performance.now() > end) {
            throw new Error(`Within ${seconds} s there was no ${what}; the last seen was ${JSON.stringify(seen)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, pause * 1000));
    }
}
