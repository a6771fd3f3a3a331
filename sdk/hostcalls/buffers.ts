import { BufferType } from "../abi/buffer-type";
import { Status } from "../abi/status";
import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "../env";
import { Bytes } from "../memory/bytes";
import { decode } from "../memory/decode";
import { encode, encodedSize } from "../memory/encode";
import { OUT, OUT2, VALUE, VALUE_SIZE } from "../memory/layout";

/**
 * One of the proxy's buffers: a body, a message, a configuration. In a body callback it shows the current chunk, or
 * everything so far while the body is being buffered (`Action.Pause`). When there is nothing it reads as empty.
 * Bodies can be written; `content-length` is not adjusted by the proxy: remove it in the headers callback.
 * The object is only a number (the buffer's type): it costs no allocation.
 */
@unmanaged
export class ProxyBuffer {
  private get type(): BufferType {
    return <i32>changetype<usize>(this);
  }

  /** Number of bytes that can be read now. */
  get length(): i32 {
    return proxy_get_buffer_status(this.type, OUT, OUT2) == Status.Ok ? load<i32>(OUT) : 0;
  }

  /** `size` bytes from `start`, fewer when the buffer ends before. */
  bytes(start: i32 = 0, size: i32 = i32.MAX_VALUE): Bytes {
    return this.read(start, size) ? Bytes.take(load<usize>(OUT), load<usize>(OUT, 4)) : Bytes.of("");
  }

  /** The content as text; see `Bytes.toString`. */
  text(start: i32 = 0, size: i32 = i32.MAX_VALUE): string {
    return this.read(start, size) ? decode(load<usize>(OUT), load<usize>(OUT, 4)) : "";
  }

  /** Makes this the whole content. */
  set(text: string): Status {
    return this.write(0, u32.MAX_VALUE, text);
  }

  /** The same with any bytes. */
  setBytes(content: Bytes): Status {
    return proxy_set_buffer_bytes(this.type, 0, u32.MAX_VALUE, content.ptr, <usize>content.length);
  }

  /** Puts text before the content. */
  prepend(text: string): Status {
    return this.write(0, 0, text);
  }

  /** The same with any bytes. */
  prependBytes(content: Bytes): Status {
    return proxy_set_buffer_bytes(this.type, 0, 0, content.ptr, <usize>content.length);
  }

  /** Puts text after the content. */
  append(text: string): Status {
    return this.write(u32.MAX_VALUE, 0, text);
  }

  /** The same with any bytes. */
  appendBytes(content: Bytes): Status {
    return proxy_set_buffer_bytes(this.type, u32.MAX_VALUE, 0, content.ptr, <usize>content.length);
  }

  /** Drops the first `size` bytes. */
  drop(size: i32): Status {
    return proxy_set_buffer_bytes(this.type, 0, <usize>size, 0, 0);
  }

  private read(start: i32, size: i32): bool {
    return proxy_get_buffer_bytes(this.type, <usize>start, <usize>size, OUT, OUT + 4) == Status.Ok;
  }

  private write(start: usize, size: usize, text: string): Status {
    const content = encode(text, VALUE, VALUE_SIZE);
    return proxy_set_buffer_bytes(this.type, start, size, content, encodedSize());
  }
}

/** The buffer of that type, as an object. */
export function proxyBuffer(type: BufferType): ProxyBuffer {
  return changetype<ProxyBuffer>(<usize>(<i32>type));
}
