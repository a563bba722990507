/** A plot as SVG, drawn by echarts without a browser. */
import { init } from "echarts";
import type { Plot } from "./section.ts";

const WIDTH_PX = 760;
const HEIGHT_PX = 420;
/** Room under the plot for the names of the lines. */
const LEGEND_PX = 90;

export function plotImage({ title, xAxis, yAxis, lines }: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH_PX, height: HEIGHT_PX });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "#fff",
      title: { text: title, left: "center", textStyle: { fontSize: 15 } },
      legend: { bottom: 0, type: "plain" },
      grid: { top: 50, left: 60, right: 30, bottom: LEGEND_PX },
      xAxis: { type: "log", name: xAxis, nameLocation: "middle", nameGap: 26 },
      yAxis: { type: "log", name: yAxis, nameLocation: "middle", nameGap: 42 },
      series: lines.map(({ name, points }) => ({
        type: "line",
        name,
        symbolSize: 5,
        data: points.map(([x, y]) => [x, y]),
      })),
    });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
