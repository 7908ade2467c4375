/** Which progresses are going on, so that none is left over when the server that reports them is gone. */
import type { WorkDoneProgress } from "../server";

export type Token = string | number;

export class Progresses {
    /** By their tokens: those that callers have given. */
    readonly #followers = new Map<Token, { took: (value: WorkDoneProgress) => void }>();
    /** Begun by the server itself. */
    readonly #begun = new Set<Token>();

    /** @param others Is told of what the server has begun by itself. */
    constructor(readonly others: (token: Token, value: WorkDoneProgress) => void) {}

    /** Follow a progress until its end, or until it is let go. */
    follow(token: Token, took: (value: WorkDoneProgress) => void): { dispose: () => void } {
        const follower = { took };
        this.#followers.set(token, follower);
        return {
            dispose: () => {
                if (this.#followers.get(token) === follower) {
                    this.#followers.delete(token);
                }
            },
        };
    }

    /** Whether a caller follows it. */
    isFollowed(token: Token): boolean {
        return this.#followers.has(token);
    }

    get followed(): readonly Token[] {
        return [...this.#followers.keys()];
    }

    /** Take what the server says. */
    take(token: Token, value: WorkDoneProgress): void {
        const follower = this.#followers.get(token);
        if (follower !== undefined) {
            if (value.kind === "end") {
                this.#followers.delete(token);
            }
            follower.took(value);
            return;
        }
        if (value.kind === "begin") {
            this.#begun.add(token);
        } else if (value.kind === "end") {
            this.#begun.delete(token);
        }
        this.others(token, value);
    }

    /** The server is gone: all that it was about to say has ended. */
    end(): void {
        for (const token of [...this.#followers.keys(), ...this.#begun]) {
            this.take(token, { kind: "end" });
        }
    }
}
