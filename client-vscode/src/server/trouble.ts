/** Why there is no server to start, as far as it can be told without the editor. */

/**
 * `python`: no Python will do; `setting`: one of ours names something that will not; `index`: what is needed cannot be
 * fetched now, and another time perhaps; `making`: it is there and does not work; `package`: the extension itself is not whole.
 */
export type TroubleKind = "python" | "setting" | "index" | "making" | "package";

/** What happened, why, and the next step, in sentences for the user; the editor's part adds the buttons. */
export class Trouble extends Error {
    override readonly name = "Trouble";

    constructor(
        readonly kind: TroubleKind,
        message: string,
    ) {
        super(message);
    }
}
