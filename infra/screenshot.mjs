// A run of drp_nightly as a person sees it in Airflow's UI, in headless Chromium:
//   node infra/screenshot.mjs build/node http://localhost:8080 PASSWORD RUN_ID OUT
// writes OUT/airflow-run.png (its graph) and OUT/airflow-report.png (its report) and prints, as JSON, their
// texts, the texts of the page with all DAGs, and the errors that scripts raised.
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { createRequire } from 'node:module'

const [modules, url, password, run, out] = process.argv.slice(2)
const { chromium } = createRequire(resolve(modules) + '/')('playwright-core')
const limit = { timeout: 120_000 } // the first page of a fresh server takes long on a busy machine

const executablePath = execFileSync('sh', ['-c', 'command -v chromium']).toString().trim()
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
const errors = []
page.on('pageerror', error => errors.push(String(error)))

await page.goto(url, limit)
await page.fill('input[name=username]', 'admin', limit)
await page.fill('input[name=password]', password)
await page.click('button[type=submit]')
await page.waitForURL(where => !where.pathname.includes('/auth/login'), limit)

await page.goto(`${url}/dags`, limit)
await page.getByText('drp_nightly').first().waitFor(limit)
const dags = await page.innerText('body')

const address = `${url}/dags/drp_nightly/runs/${encodeURIComponent(run)}`
await page.goto(address, limit)
await page.getByRole('button', { name: 'Show Graph' }).click(limit)
await page.getByRole('button', { name: 'Expand all task groups' }).click(limit)
await page.locator('.react-flow__node', { hasText: 'prune' }).first().waitFor(limit)
await page.getByRole('button', { name: 'Collapse Details Panel' }).click(limit)
await page.addStyleTag({ content: '.react-flow__minimap { display: none }' }) // it covers the last tasks
await page.setViewportSize({ width: 1440, height: 480 })
await page.getByRole('button', { name: 'Fit View' }).click(limit)
await page.waitForTimeout(2_000) // the graph glides to its place
const graph = await page.innerText('body')
await page.screenshot({ path: `${out}/airflow-run.png` })

await page.setViewportSize({ width: 1440, height: 900 })
await page.evaluate(() => localStorage.clear()) // the panels as they are at first
await page.goto(`${address}/plugin/drp_report`, limit)
await page.frameLocator('iframe').locator('h1').first().waitFor(limit)
const frame = page.frames().find(f => f.url().includes('/drp-report/'))
const report = await frame.innerText('body')
await page.waitForTimeout(1_000)
await page.screenshot({ path: `${out}/airflow-report.png` })

console.log(JSON.stringify({ dags, graph, report, errors }))
await browser.close()
