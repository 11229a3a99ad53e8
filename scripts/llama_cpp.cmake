# Read by llama.cpp's own build (CMAKE_PROJECT_ggml_INCLUDE, set by scripts/setup.sh): one file gets compiler options.
#
# llamafile/sgemm.cpp multiplies a few tokens at once (parallel answers, short prompts) by weights that come from memory,
# four rows at a time. Each four are a new place, which the processor's own prefetcher notices too late, so that waiting
# for memory and computing take turns. GCC can ask for the bytes ahead of time, if it is told how far: here some 7 KB,
# the next four rows of a small model. Measured with two cores of an AMD EPYC (AVX2), products of Q8_0 that took 75 ms for
# eight tokens take 57, and 39 ms for two take 22 (an Intel Xeon with AVX-512: 77 and 53, 45 and 21). One token at a time
# goes another way, and a long prompt's products do not wait for memory: both are as before.
#
# `prefetch-latency` says how far, as an estimate in instructions; `simultaneous-prefetches` lets the four rows through and
# no more; the two others keep GCC from deciding that it is not worth it.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(few_tokens "${CMAKE_CURRENT_SOURCE_DIR}/src/ggml-cpu/llamafile/sgemm.cpp")
  if(NOT EXISTS "${few_tokens}")
    message(FATAL_ERROR "scripts/llama_cpp.cmake: this llama.cpp has no ${few_tokens}")
  endif()
  # Deferred: the target is not there yet.
  cmake_language(DEFER CALL set_source_files_properties "${few_tokens}" TARGET_DIRECTORY ggml-cpu
    PROPERTIES COMPILE_OPTIONS
    "-fprefetch-loop-arrays;--param=prefetch-latency=20000;--param=simultaneous-prefetches=800;--param=min-insn-to-prefetch-ratio=1;--param=prefetch-min-insn-to-mem-ratio=1"
  )
endif()
