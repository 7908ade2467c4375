-- What Neovim is told by the server, kept for the test; everything still takes its usual way.
testwright_seen = { progress = {}, messages = {}, notices = {}, errors = {} }
local seen = testwright_seen

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local value = vim.deepcopy(event.data.params.value)
    value.token = event.data.params.token
    value.at = vim.uv.hrtime() / 1e9
    table.insert(seen.progress, value)
  end,
})

local show_message = vim.lsp.handlers['window/showMessage']
vim.lsp.handlers['window/showMessage'] = function(err, result, ctx)
  table.insert(seen.messages, result)
  return show_message(err, result, ctx)
end

local notify = vim.notify
vim.notify = function(message, level, opts)
  table.insert(seen.notices, { message = message, level = level })
  return notify(message, level, opts)
end

vim.lsp.set_log_level('debug')
