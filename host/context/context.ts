import type { BufferType } from "../../sdk/abi/buffer-type";
import type { MapType } from "../../sdk/abi/map-type";
import { Status } from "../../sdk/abi/status";
import type { StreamType } from "../../sdk/abi/stream-type";
import type { FilterState, Prototype } from "../stores/filter-state";
import type { HeaderMap } from "../stores/header-map";
import type { PropertyScope } from "../stores/properties";
import type { Instance } from "./instance";
import { LifecycleEvent, nextStage, Stage } from "./lifecycle";
import type { RootContext } from "./root-context";

/** A stretch of bytes a guest can reach through a buffer id. */
export interface GuestBuffer {
  get(): Buffer;
  /** Absent = read-only. */
  set?(data: Buffer): void;
}

/** A local response as the guest asked for it. */
export interface LocalResponse {
  status: number;
  details: string;
  body: string;
  headers: [string, string][];
  grpcStatus: number;
}

/**
 * Anything the guest knows by a context id. Defaults are those of a context without a stream; HTTP and TCP
 * stream contexts override what they have.
 */
export abstract class Context {
  readonly id: number;
  stage = Stage.Created;
  private declared: Map<string, Prototype> | undefined;
  abstract readonly root: RootContext;
  /** Who speaks in log lines: `name root_id vm_id`, empty parts left out, each with a leading space. */
  abstract get logPrefix(): string;

  constructor(readonly instance: Instance) {
    this.id = instance.register(this);
  }

  /** Moves along the lifecycle table; an illegal step is a bug in this host. */
  advance(event: LifecycleEvent): void {
    const next = nextStage(this.stage, event);
    if (next === undefined)
      throw new Error(`context ${this.id}: ${LifecycleEvent[event]} is illegal while ${Stage[this.stage]}`);
    this.stage = next;
  }

  /** A map that can be read now; undefined when it is unavailable. */
  readableMap(type: MapType): HeaderMap | undefined {
    return this.root.calloutMap(type);
  }

  /** A map that can be changed now. */
  writableMap(_type: MapType): HeaderMap | undefined {
    return undefined;
  }

  /** Called after the guest changed a map. */
  mapChanged(_type: MapType): void {}

  /** What a failed header read answers: true in on_log, where an unavailable map is NotFound. */
  get unavailableMapIsNotFound(): boolean {
    return false;
  }

  buffer(type: BufferType): GuestBuffer | undefined {
    return this.root.ownBuffer(type);
  }

  abstract properties(): PropertyScope;

  /** Where this context's stream keeps what guests set; absent without a stream. */
  get filterState(): FilterState | undefined {
    return this.properties().stream?.info.filterState;
  }

  /** Keeps a property set by the guest, as this context's root has declared it. */
  setProperty(path: string, value: Buffer): Status {
    const state = this.filterState;
    if (!state) return Status.NotFound;
    return state.setProperty(path, value, this.root.declared?.get(path)) ? Status.Ok : Status.BadArgument;
  }

  /** False when this context has declared that name before. */
  declareProperty(name: string, prototype: Prototype): boolean {
    this.declared ??= new Map();
    if (this.declared.has(name)) return false;
    this.declared.set(name, prototype);
    return true;
  }

  continueStream(_type: StreamType): void {}
  closeStream(_type: StreamType): void {}
  sendLocalResponse(_response: LocalResponse): void {}
  clearRouteCache(): void {}
  /** A defect of this host showed itself while the guest acted on this context: its stream, if it has one, ends. */
  breakStream(): void {}
}
