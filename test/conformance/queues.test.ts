import { expect } from "vitest";
import { conformance } from "../support/conformance";

conformance("Shared queues", ({ behaviour }) => {
  behaviour(
    "what a stream puts in is told to the root that registered, after the callback, and taken out there",
    {
      script:
        "trace\non configure\n q = register one\non request_headers\n e = enqueue $q hello\n after = set 1\non queue_ready\n same = set $queue\n d = dequeue $queue\n empty = dequeue $queue",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("e")).toBe("0");
      expect(await b.logged("d")).toBe("0 hello");
      expect(await b.logged("empty")).toBe("7");
      expect(await b.logged("same")).toBe((await b.allLogged("q")).at(-1));
      const messages = await b.messages();
      const ready = messages.findIndex((m) => m.startsWith("> queue_ready 1 "));
      expect(ready).toBeGreaterThan(messages.indexOf("after=0 1"));
    },
  );

  behaviour(
    "one notification for each item, also when an earlier one has taken everything: then the queue is empty",
    {
      script:
        "on configure\n q = register many\non request_headers\n enqueue $q a\n enqueue $q b\n enqueue $q c\non queue_ready\n one = dequeue $queue\n two = dequeue $queue",
    },
    async (b) => {
      await b.exchange();
      await b.proxy.log.waitFor(
        (lines) =>
          lines.filter(({ message }) => message.includes(` ${b.id}: two=`)).length === 3 ? true : undefined,
        "three notifications",
      );
      expect(await b.allLogged("one")).toEqual(["0 a", "0 c", "7"]);
      expect(await b.allLogged("two")).toEqual(["0 b", "7", "7"]);
    },
  );

  behaviour(
    "items come out in the order they went in, with any bytes, empty ones too",
    {
      script:
        "on configure\n q = register bytes\non request_headers\n enqueue $q %00%FF%0A\n enqueue $q ''\n enqueue $q last\n x = dequeue $q\n y = dequeue $q\n z = dequeue $q",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("x")).toBe("0 %00%FF%0A");
      expect(await b.logged("y")).toBe("0");
      expect(await b.logged("z")).toBe("0 last");
    },
  );

  behaviour(
    "resolve: by the own vm_id, which an empty one stands for; what nobody registered is NotFound",
    {
      script:
        "on configure\n q = register found\non request_headers\n a = resolve {id} found\n b = resolve '' found\n c = resolve {id} lost\n d = resolve other-vm found",
    },
    async (b) => {
      await b.exchange();
      const queue = (await b.allLogged("q")).at(-1);
      expect(await b.logged("a")).toBe(queue);
      expect(await b.logged("b")).toBe(queue);
      expect(await b.logged("c")).toBe("1");
      expect(await b.logged("d")).toBe("1");
    },
  );

  behaviour(
    "registering again gives the same queue and keeps its items",
    {
      script:
        "on configure\n q = register again\non request_headers\n enqueue $q kept\n r = register again\n d = dequeue $r",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("r")).toBe((await b.allLogged("q")).at(-1));
      expect(await b.logged("d")).toBe("0 kept");
    },
  );

  behaviour(
    "notifications go to the root that registered last",
    {
      script: [
        "on configure\n q = register moved\non request_headers\n e = get 0 x-again\n when $e yes : register moved\n enqueue $q item\non queue_ready\n first = set $context",
        "on configure\n q = register moved\non queue_ready\n second = set $context",
      ],
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("second")).toBe("0 2");
      expect(await b.allLogged("first")).toEqual([]);
      await b.exchange({ headers: [["x-again", "yes"]] });
      expect(await b.logged("first")).toBe("0 1");
      expect(await b.allLogged("second")).toEqual(["0 2"]);
    },
  );

  behaviour(
    "ids that nobody has are NotFound",
    { script: "on request_headers\n e = enqueue 4000000000 x\n d = dequeue 4000000000\n z = dequeue 0" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("e")).toBe("1");
      expect(await b.logged("d")).toBe("1");
      expect(await b.logged("z")).toBe("1");
    },
  );

  behaviour(
    "the effective context stays the root while a notification is delivered; streams are reached by their id",
    {
      script:
        "on configure\n q = register paused\non request_headers\n enqueue $q go\n return 1\non queue_ready\n item = dequeue $queue\n h = get 0 :path\n s = effective $stream\n p = get 0 :path\n c = continue 0",
    },
    async (b) => {
      expect((await b.exchange({ path: "/held" })).text).toBe("ok");
      expect(await b.logged("item")).toBe("0 go");
      expect(await b.logged("h")).toBe("2");
      expect(await b.logged("p")).toBe("0 /held");
      expect(await b.logged("c")).toBe("0");
    },
  );
});
