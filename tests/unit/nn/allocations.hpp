// How often this program has called operator new so far.
#pragma once

long allocations_made() noexcept;
