/**
 * Skein in a NestJS application: the coalescer is a provider of its own, injected where it is used and closed when the
 * application shuts down.
 */
// oxlint-disable-next-line import/no-unassigned-import -- Nest reads what it adds to Reflect
import "reflect-metadata";
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  type DynamicModule,
  type OnApplicationShutdown,
} from "@nestjs/common";
import type { Coalescer } from "@skein/core";
import type { LoadReport, Report } from "./report.ts";

const FLIGHTS = Symbol("flights");
const LOAD_REPORT = Symbol("load report");

@Injectable()
class ReportService implements OnApplicationShutdown {
  readonly #flights: Coalescer;
  readonly #loadReport: LoadReport;

  constructor(@Inject(FLIGHTS) flights: Coalescer, @Inject(LOAD_REPORT) loadReport: LoadReport) {
    this.#flights = flights;
    this.#loadReport = loadReport;
  }

  find(day: string): Promise<Report> {
    return this.#flights.do(`report:${day}`, (signal) => this.#loadReport(day, signal), {
      timeoutMs: 10_000,
    });
  }

  onApplicationShutdown(): Promise<void> {
    return this.#flights.close({ drainMs: 1_000 });
  }
}

@Controller("reports")
class ReportController {
  readonly #reports: ReportService;

  constructor(@Inject(ReportService) reports: ReportService) {
    this.#reports = reports;
  }

  @Get(":day")
  find(@Param("day") day: string): Promise<Report> {
    return this.#reports.find(day);
  }
}

@Module({})
// oxlint-disable-next-line typescript/no-extraneous-class -- a module is a class to Nest
export class ReportModule {
  static register(flights: Coalescer, loadReport: LoadReport): DynamicModule {
    return {
      module: ReportModule,
      controllers: [ReportController],
      providers: [
        ReportService,
        { provide: FLIGHTS, useValue: flights },
        { provide: LOAD_REPORT, useValue: loadReport },
      ],
    };
  }
}
