/** The live page, in a real browser, over a fleet of plain processes: what it shows, and what its buttons do. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { waitUntil } from "@skein/testkit";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBackends } from "../../dist/demo/backends.js";
import { ServiceProcess } from "../service-process.ts";

const REPLICAS = 4;
const CALLERS = 280;
const MAX_WAIT_MS = 60_000;
/** Set to write the picture of the documents anew. */
const PHOTOGRAPH = process.env["SKEIN_WRITE_SCREENSHOT"] === "true";
const PICTURE = fileURLToPath(new URL("../../../../docs/live-page.png", import.meta.url));

const PROGRAMS = [process.env["SKEIN_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = PROGRAMS.find((path) => path !== undefined && existsSync(path));
if (executablePath === undefined) {
  process.stderr.write(
    "NOT RUN: the tests of the live page need Chromium (Debian: apt-get install chromium).\n",
  );
}

describe.skipIf(executablePath === undefined)("the live page", { timeout: 2 * MAX_WAIT_MS }, () => {
  const started = new AsyncDisposableStack();
  let fleet: readonly ServiceProcess[] = [];
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const foreign: string[] = [];

  beforeAll(async () => {
    const { ready } = started.use(await startBackends(undefined));
    fleet = await ServiceProcess.startFleet(REPLICAS, {
      REDIS_URL: ready.redisUrl,
      POSTGRES_URL: ready.postgresUrl,
      REDIS_TIMEOUT_MS: "1000",
      LOG_LEVEL: "warn",
      CONTROLS: "true",
    });
    for (const service of fleet) started.use(service);
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
    started.defer(() => browser.close());
    page = await browser.newPage({ viewport: { width: 1_000, height: 760 } });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(`${fleet[0]?.origin}/`) && !request.url().startsWith("data:")) {
        foreign.push(request.url());
      }
    });
    await page.goto(`${fleet[0]?.origin}/`);
    await page.getByText(`${REPLICAS} replicas`).waitFor();
  }, 2 * MAX_WAIT_MS);

  afterAll(() => started.disposeAsync());

  async function text(id: string): Promise<string> {
    return (await page.locator(`#${id}`).textContent()) ?? "";
  }

  async function untilText(id: string, wanted: (shown: string) => boolean): Promise<void> {
    await waitUntil(async () => wanted(await text(id)), { what: `#${id}`, timeoutMs: MAX_WAIT_MS });
  }

  test("shows one execution for hundreds of callers, while they wait and afterwards", async () => {
    await page.getByRole("button", { name: "Start a stampede" }).click();
    // While it flies: one row leads.
    await page.locator("tr.leads").waitFor({ timeout: MAX_WAIT_MS });
    await untilText("stampede-callers", (shown) => shown === String(CALLERS));
    expect(await text("stampede-executions")).toBe("1");
    expect(await text("stampede-word")).toBe("execution");
    await untilText("callers", (shown) => Number(shown) === CALLERS);
    expect(await text("executions")).toBe("1");
    if (PHOTOGRAPH) await page.screenshot({ path: PICTURE });
  });

  test("brings everything from its own replica, and no script of it fails", () => {
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("counts on when a replica comes back under its old name", async () => {
    const shown = await browser.newPage();
    let replica = { process: "a-1", callsStarted: 0, takeovers: 0, fallbacks: 0 };
    const rest = { callersWaiting: 0, leading: [], coordination: "fleet" };
    await shown.route("**/fleet", (route) =>
      route.fulfill({ json: { replicas: [{ ...replica, ...rest }], executions: 0, controls: false } }),
    );
    await shown.goto(`${fleet[0]?.origin}/`);
    await shown.getByText("1 replicas").waitFor();
    const untilCallers = async (count: string): Promise<void> => {
      await waitUntil(async () => (await shown.locator("#callers").textContent()) === count, {
        what: `${count} callers`,
        timeoutMs: MAX_WAIT_MS,
      });
    };
    replica = { ...replica, callsStarted: 93, takeovers: 1, fallbacks: 4 };
    await untilCallers("93");
    replica = { ...replica, callsStarted: 5, takeovers: 0, fallbacks: 0 };
    await untilCallers("98");
    expect(await shown.locator("#takeovers").textContent()).toBe("1");
    expect(await shown.locator("#fallbacks").textContent()).toBe("4");
    await shown.close();
  });

  test("kills the leader on demand: one takeover, and everybody is answered", async () => {
    await page.getByRole("button", { name: "Start a stampede" }).click();
    await page.locator("tr.leads").waitFor({ timeout: MAX_WAIT_MS });
    await page.getByRole("button", { name: "Kill the leader" }).click();
    await waitUntil(() => fleet.some((service) => service.hasEnded), { timeoutMs: MAX_WAIT_MS });
    await untilText("stampede-executions", (shown) => shown === "2");
    expect(await text("outcome")).toContain(`${CALLERS} of ${CALLERS} callers`);
    expect(fleet.filter((service) => service.hasEnded)).toHaveLength(1);
    await untilText("takeovers", (shown) => shown === "1");
    await untilText("connection", (shown) => shown === `${REPLICAS - 1} replicas`);
  });

  test("pauses Redis on demand: replicas fall back, and coordinate again afterwards", async () => {
    await page.getByRole("button", { name: "Pause Redis" }).click();
    await untilText("outcome", (shown) => shown.includes("Redis answers nobody"));
    await page.locator("tr.alone").first().waitFor({ timeout: MAX_WAIT_MS });
    await page.getByRole("button", { name: "Start a stampede" }).click();
    await untilText("fallbacks", (shown) => Number(shown) > 0);
    await waitUntil(async () => (await page.locator("tr.alone").count()) === 0, { timeoutMs: MAX_WAIT_MS });
  });
});

describe.skipIf(executablePath === undefined)("without CONTROLS", { timeout: 2 * MAX_WAIT_MS }, () => {
  test("there are no buttons, and nobody to answer them", async () => {
    await using started = new AsyncDisposableStack();
    const { ready } = started.use(await startBackends(undefined));
    const [service] = await ServiceProcess.startFleet(1, {
      REDIS_URL: ready.redisUrl,
      POSTGRES_URL: ready.postgresUrl,
    });
    if (service === undefined) throw new Error("No service was started.");
    started.use(service);
    const answer = await service.answer("/controls/die", {
      method: "POST",
      headers: { "x-control": "page" },
    });
    expect(answer.status).toBe(404);
    expect(await (await service.answer("/fleet")).json()).toMatchObject({ controls: false });
    expect(service.hasEnded).toBe(false);
  });
});
