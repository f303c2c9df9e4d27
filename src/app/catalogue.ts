export { catalogueHosts } from '../providers/identify.ts'
