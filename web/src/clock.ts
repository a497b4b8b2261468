// The server's clock, as well as this page can know it: how old is what is shown?
//
// The computer's own clock may be wrong by hours and may be set while the page is open, so it is not used. Messages
// carry the server's time; the one that took least on its way says how this page's stopwatch (performance.now) runs
// against it. The stopwatch may stand still while the computer sleeps: a jump between the two clocks of the computer
// means that nothing is known until the next message.

const JUMP_MS = 1500;
const LATE_MS = 5000;
const LATE_FOR_MS = 30000;

export class ServerClock {
  private offset = Infinity; // least (stopwatch - server)
  private onTimeAt = 0; // when a message last came without delay
  private wall = Date.now();
  private watch = performance.now();

  /** A message that the server sent at `published`. False: messages have come late for long, a new connection is worth a try. */
  heard(published: number): boolean {
    const now = performance.now();
    this.offset = Math.min(this.offset, now - published);
    if (now - this.offset - published < LATE_MS || this.onTimeAt === 0) this.onTimeAt = now;
    if (now - this.onTimeAt < LATE_FOR_MS) return true;
    this.onTimeAt = now;
    return false;
  }

  /** A new connection, or nothing is certain any more. */
  forget(): void {
    this.offset = Infinity;
    this.onTimeAt = 0;
  }

  /** Seconds since the server's `time`; Infinity while that cannot be known. */
  since(time: number): number {
    return Number.isFinite(this.offset) ? Math.max(0, (performance.now() - this.offset - time) / 1000) : Infinity;
  }

  /** To be called about twice a second. True: the computer slept, or its clock was set. */
  jumped(): boolean {
    const wall = Date.now();
    const watch = performance.now();
    const apart = Math.abs(wall - this.wall - (watch - this.watch));
    this.wall = wall;
    this.watch = watch;
    if (apart > JUMP_MS) this.forget();
    return apart > JUMP_MS;
  }
}
