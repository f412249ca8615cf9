// The inference header: detectors, images, networks, and the CPU policy that runs them. Files, training,
// simulation and the other policies are headers of their own.
#pragma once

#include <calotype/core/config.hpp>
#include <calotype/core/result.hpp>
#include <calotype/detector/presets/cms_run1.hpp>
#include <calotype/image/builder.hpp>
#include <calotype/image/event.hpp>
#include <calotype/image/layout.hpp>
#include <calotype/image/presets/cms_run1.hpp>
#include <calotype/kernel/cpu.hpp>
#include <calotype/models/resnet15.hpp>
#include <calotype/nn/cost.hpp>
#include <calotype/nn/layers.hpp>
#include <calotype/nn/model.hpp>
#include <calotype/nn/plan.hpp>
#include <calotype/nn/self_test.hpp>
#include <calotype/nn/session.hpp>
